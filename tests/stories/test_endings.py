"""Children end with what started them, and in time."""

import os
import signal
import sys
from pathlib import Path

from callboard.processes import supervisor
from tests.copies import eventually, is_alive, proc


def start_child(directory: Path, on_sigterm: str) -> supervisor.Child:
    """Returns once the child has its handler."""
    told = f"import signal, sys, time; signal.signal(15, {on_sigterm}); "
    ready = f"open({str(directory / 'ready')!r}, 'w'); time.sleep(60)"
    child = supervisor.start("child", [sys.executable, "-c", told + ready], {})
    eventually((directory / "ready").exists)
    return child


def test_a_second_ctrl_c_kills_at_once(tmp_path: Path) -> None:
    child = start_child(tmp_path, "signal.SIG_IGN")
    supervisor.end([child], [signal.SIGINT, signal.SIGINT])
    assert supervisor.how_it_ended(child) == "child was ended by SIGKILL"


def test_a_repeated_sigterm_is_no_hurry(tmp_path: Path) -> None:
    child = start_child(tmp_path, "lambda *_: (time.sleep(0.3), sys.exit(7))")
    supervisor.end([child], [signal.SIGTERM, signal.SIGTERM])
    assert supervisor.how_it_ended(child) == "child ended with exit code 7"


def test_the_children_of_a_killed_child_end_too(tmp_path: Path) -> None:
    nested = "import subprocess, time; subprocess.Popen(['sleep', '60'])"
    told = f"{nested}; open({str(tmp_path / 'ready')!r}, 'w'); time.sleep(60)"
    child = supervisor.start("child", [sys.executable, "-c", told], os.environ)
    eventually((tmp_path / "ready").exists)
    pid = child.process.pid
    (grandchild,) = proc(f"{pid}/task/{pid}/children").split()
    child.process.kill()
    child.process.wait()
    supervisor.end([child], [])
    eventually(lambda: not is_alive(int(grandchild)))
    assert supervisor.how_it_ended(child) == "child was ended by SIGKILL"
