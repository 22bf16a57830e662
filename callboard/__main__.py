from callboard.commands import main

main(prog_name="callboard")
