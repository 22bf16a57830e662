"""`callboard up`: one command starts everything, and everything ends with it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from callboard import embedded, supervisor
from tests.servers import free_port, make_database, running_redis

READY = "Ctrl-C ends it"
ROOT = Path(__file__).parent.parent.parent
CLEAN = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


@dataclass
class Run:
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def output(self) -> str:
        return self.log.read_text()

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.output()
        return READY in self.output()

    def children(self) -> list[int]:
        pid = self.process.pid
        return [int(p) for p in proc(f"{pid}/task/{pid}/children").split()]

    def child(self, command: str) -> int:
        (found,) = [p for p in self.children() if command in proc(f"{p}/cmdline")]
        return found


@pytest.fixture
def database() -> dict[str, str]:
    """What makes `up` use the engine under test: nothing for SQLite."""
    if os.environ.get("TEST_ENGINE", "sqlite") == "sqlite":
        return {}
    url = make_database(os.environ["DATABASE_URL"], f"up{time.monotonic_ns()}")
    return {"DATABASE_URL": url}


def proc(path: str) -> str:
    try:
        return Path("/proc", path).read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_alive(pid: int) -> bool:
    """Nobody may be there to reap an orphan: a zombie has ended."""
    return bool(re.search(r"^State:\s+[^ZX]", proc(f"{pid}/status"), re.MULTILINE))


def eventually(met: Callable[[], bool], within: float = 30) -> None:
    deadline = time.monotonic() + within
    while not met():
        assert time.monotonic() < deadline, met
        time.sleep(0.05)


def status(port: int) -> int | None:
    try:
        address = f"http://127.0.0.1:{port}/healthz"
        with urllib.request.urlopen(address, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.URLError:
        return None


def start_up(directory: Path, port: int, **environ: str) -> Run:
    directory.mkdir(exist_ok=True)
    log = directory / f"{time.monotonic_ns()}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "callboard", "up"],
            cwd=directory,
            env={**CLEAN, "PORT": str(port), **environ},
            stdout=file,
            stderr=file,
        )
    return Run(process, port, log)


@contextmanager
def running(directory: Path, port: int | None = None, **environ: str) -> Iterator[Run]:
    run = start_up(directory, port or free_port(), **environ)
    try:
        eventually(run.is_ready)
        yield run
    finally:
        run.process.terminate()
        run.process.wait(timeout=40)


def refused(directory: Path, port: int, **environ: str) -> str:
    run = start_up(directory, port, **environ)
    assert run.process.wait(timeout=30) == 1
    return run.output()


def test_one_command_starts_everything_and_sigterm_ends_it(
    tmp_path: Path, database: dict[str, str]
) -> None:
    with running(tmp_path, **database) as run:
        assert status(run.port) == 200
        base = f"http://127.0.0.1:{run.port}"
        assert f"Callboard is at  {base}\n" in run.output()
        assert re.search(rf"{base}/setup/[\w-]{{20,}}\n", run.output())
        children = run.children()
        assert len(children) == 3
        run.process.terminate()
        assert run.process.wait(timeout=40) == 0
        assert status(run.port) is None
        assert not [pid for pid in children if is_alive(pid)]


def check(
    directory: Path, port: int, **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "callboard", "check"],
        cwd=directory,
        env={**CLEAN, "PORT": str(port), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_check_finds_the_redis_that_runs_with_it(
    tmp_path: Path, database: dict[str, str]
) -> None:
    with running(tmp_path, **database) as run:
        beside = check(tmp_path, run.port, **database)
        assert (beside.returncode, beside.stdout, beside.stderr) == (0, "", "")
        os.kill(run.child("redis"), signal.SIGSTOP)
        beside = check(tmp_path, run.port, **database)
        os.kill(run.child("redis"), signal.SIGCONT)
        assert beside.stdout.startswith("Redis does not answer")
    alone = check(tmp_path, run.port, **database)
    assert (alone.returncode, alone.stdout) == (0, "")
    assert alone.stderr.startswith("Redis was not looked at: no `callboard up` runs")


def test_what_it_keeps_is_for_its_owner_only(
    tmp_path: Path, database: dict[str, str]
) -> None:
    with running(tmp_path, **database):
        assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "var/secret_key").stat().st_mode & 0o777 == 0o600
        key = (tmp_path / "var/secret_key").read_text()
    with running(tmp_path, **database):
        assert (tmp_path / "var/secret_key").read_text() == key


def test_children_end_with_a_killed_parent_and_the_next_start_works(
    tmp_path: Path, database: dict[str, str]
) -> None:
    with running(tmp_path, **database) as run:
        children = run.children()
        run.process.kill()
        run.process.wait()
        port = run.port
    with running(tmp_path, port, **database):
        eventually(lambda: not any(map(is_alive, children)))
        assert status(port) == 200


def test_a_queue_that_cannot_be_read_is_dropped(
    tmp_path: Path, database: dict[str, str]
) -> None:
    port = free_port()
    run_dir = tmp_path / f"var/run-{port}"
    run_dir.mkdir(parents=True)
    (run_dir / "dump.rdb").write_bytes(b"REDIS0009 and then nothing of sense")
    with running(tmp_path, port, **database):
        assert status(port) == 200


def test_two_copies_run_side_by_side_in_one_directory_or_in_two(
    tmp_path: Path, database: dict[str, str]
) -> None:
    with ExitStack() as stack:
        one = [start_up(tmp_path / "one", free_port(), **database) for _ in range(2)]
        for run in one:
            stack.callback(run.process.wait, timeout=40)
            stack.callback(run.process.terminate)
        for run in one:
            eventually(run.is_ready)
        two = stack.enter_context(running(tmp_path / "two", **database))
        assert [status(run.port) for run in (*one, two)] == [200] * 3
    assert [run.process.returncode for run in (*one, two)] == [0] * 3


def test_a_second_copy_on_the_same_port_says_who_is_there(
    tmp_path: Path, database: dict[str, str]
) -> None:
    with running(tmp_path, **database) as run:
        said = refused(tmp_path, run.port)
        assert (
            f"already runs here on port {run.port} (process {run.process.pid})" in said
        )
        assert run.is_ready()


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused(tmp_path, port)
    assert f"Cannot listen on 127.0.0.1, port {port}: Address already in use." in said
    assert not (tmp_path / "var/callboard.sqlite").exists()


def test_a_worker_that_dies_ends_everything_with_a_word(
    tmp_path: Path, database: dict[str, str]
) -> None:
    with running(tmp_path, **database) as run:
        children = run.children()
        os.kill(run.child("-m workers"), signal.SIGKILL)
        assert run.process.wait(timeout=40) == 1
        assert "Callboard ends: worker was ended by SIGKILL." in run.output()
        assert not [pid for pid in children if is_alive(pid)]


def test_wrong_settings_stop_the_start_and_are_all_named(tmp_path: Path) -> None:
    said = refused(tmp_path, free_port(), HOLD_DAYS="x", LOG_FORMAT="xml")
    assert "HOLD_DAYS" in said
    assert "LOG_FORMAT" in said
    assert not (tmp_path / "var").exists()


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


@pytest.mark.parametrize("name", ["x" * 120, "with space"])
def test_redis_starts_below_any_path(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    directory.mkdir()
    with embedded.running_redis(directory, []) as (child, url):
        assert re.fullmatch(embedded.GOOD_SOCKET_PATH, url.removeprefix("unix://"))
        assert child.process.poll() is None


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines)


def test_the_procfile_runs_the_same_program(
    tmp_path: Path, database: dict[str, str]
) -> None:
    port = free_port()
    with ExitStack() as stack:
        environ = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DATABASE_URL": f"sqlite:///{tmp_path}/callboard.sqlite",
            "REDIS_URL": stack.enter_context(running_redis()),
            "SECRET_KEY": "k" * 40,
            "PORT": str(port),
            **database,
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
