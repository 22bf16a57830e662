"""The same program as a platform runs it, by the Procfile."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.copies import ROOT, eventually, new_database, status
from tests.servers import free_port, running_redis


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines)


def test_the_procfile_runs_the_same_program(tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as stack:
        environ = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DATABASE_URL": f"sqlite:///{tmp_path}/callboard.sqlite",
            "REDIS_URL": stack.enter_context(running_redis()),
            "SECRET_KEY": "k" * 40,
            "PORT": str(port),
            **new_database(),
        }
        run = ["sh", "-c", f"exec {procfile()['release']}"]
        subprocess.run(run, check=True, cwd=tmp_path, env=environ)
        started = []
        for name in ("web", "worker"):
            run[2] = f"exec {procfile()[name]}"
            started.append(subprocess.Popen(run, cwd=tmp_path, env=environ))
            stack.callback(started[-1].wait, 40)
            stack.callback(started[-1].terminate)
        eventually(lambda: status(port) == 200)
        assert [process.poll() for process in started] == [None, None]
