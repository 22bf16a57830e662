"""`callboard up`: one command starts everything, and everything ends with it."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from callboard.processes import embedded
from tests.copies import (
    CLEAN,
    eventually,
    is_alive,
    refused,
    running,
    start_up,
    status,
)
from tests.servers import free_port


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


@pytest.mark.parametrize("name", ["x" * 120, "with space"])
def test_redis_starts_below_any_path(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    directory.mkdir()
    with embedded.running_redis(directory, []) as (child, url):
        assert re.fullmatch(embedded.GOOD_SOCKET_PATH, url.removeprefix("unix://"))
        assert child.process.poll() is None
