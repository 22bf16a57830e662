"""`python -m bench`: prints one table, fails only if something was lost or repeated."""

import sys

import click

from bench import scenarios, table
from bench.world import running_servers


@click.command()
def main() -> None:
    with running_servers("postgres") as servers:
        found = [scenarios.steady(servers, "steady", 20, 2000)]
    table.show(found)
    for each in found:
        for problem in each.problems:
            click.echo(f"{each.name}: {problem}", err=True)
    sys.exit(any(each.problems or each.lost or each.repeated for each in found))


if __name__ == "__main__":
    main()
