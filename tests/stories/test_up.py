"""`callboard up`: one command starts everything, and everything ends with it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from callboard.processes import embedded
from tests.copies import (
    CLEAN,
    Run,
    eventually,
    is_alive,
    new_database,
    refused,
    running,
    start_up,
    status,
)
from tests.servers import free_port


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One for all tests that leave it as it was."""
    with running(tmp_path_factory.mktemp("copy"), 0, **new_database()) as run:
        yield run


def test_one_command_starts_everything(copy: Run) -> None:
    assert status(copy.port) == 200
    base = f"http://127.0.0.1:{copy.port}"
    assert f"Callboard is at  {base}\n" in copy.output()
    assert re.search(rf"{base}/setup/[\w-]{{20,}}\n", copy.output())
    assert len(copy.children()) == 3


def test_what_it_keeps_is_for_its_owner_only(copy: Run) -> None:
    kept = copy.directory / "var"
    assert kept.stat().st_mode & 0o777 == 0o700
    assert (kept / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_check_finds_the_redis_that_runs_with_it(copy: Run) -> None:
    beside = check(copy, copy.port)
    assert (beside.returncode, beside.stdout, beside.stderr) == (0, "", "")
    os.kill(copy.child("redis"), signal.SIGSTOP)
    beside = check(copy, copy.port)
    os.kill(copy.child("redis"), signal.SIGCONT)
    assert beside.stdout.startswith("Redis does not answer")
    alone = check(copy, free_port())
    assert (alone.returncode, alone.stdout) == (0, "")
    assert alone.stderr.startswith("Redis was not looked at: no `callboard up` runs")


def check(run: Run, port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "callboard", "check"],
        cwd=run.directory,
        env={**CLEAN, "PORT": str(port), **run.environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_second_copy_on_the_same_port_says_who_is_there(copy: Run) -> None:
    said = refused(copy.directory, copy.port)
    pid = copy.process.pid
    assert f"already runs here on port {copy.port} (process {pid})" in said
    assert copy.is_ready()


def test_copies_run_side_by_side_in_one_directory_and_in_others(
    copy: Run, tmp_path: Path
) -> None:
    database = new_database()
    with ExitStack() as stack:
        pair = [start_up(tmp_path, free_port(), **database) for _ in range(2)]
        for run in pair:
            stack.callback(run.process.wait, timeout=40)
            stack.callback(run.process.terminate)
        for run in pair:
            eventually(run.is_ready)
        assert [status(run.port) for run in (*pair, copy)] == [200] * 3
        children = [pid for run in pair for pid in run.children()]
    assert [run.process.returncode for run in pair] == [0] * 2
    assert [status(run.port) for run in pair] == [None] * 2
    assert not [pid for pid in children if is_alive(pid)]


def test_children_end_with_a_killed_parent_and_the_next_start_works(
    tmp_path: Path,
) -> None:
    database, port = new_database(), free_port()
    with running(tmp_path, port, **database) as run:
        children = run.children()
        key = (tmp_path / "var/secret_key").read_text()
        run.process.kill()
        run.process.wait()
    with running(tmp_path, port, **database):
        eventually(lambda: not any(map(is_alive, children)))
        assert status(port) == 200
        assert (tmp_path / "var/secret_key").read_text() == key


def test_a_queue_that_cannot_be_read_is_dropped(tmp_path: Path) -> None:
    port = free_port()
    run_dir = tmp_path / f"var/run-{port}"
    run_dir.mkdir(parents=True)
    (run_dir / "dump.rdb").write_bytes(b"REDIS0009 and then nothing of sense")
    with running(tmp_path, port, **new_database()):
        assert status(port) == 200


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused(tmp_path, port)
    assert f"Cannot listen on 127.0.0.1, port {port}: Address already in use." in said
    assert not (tmp_path / "var/callboard.sqlite").exists()


def test_a_worker_that_dies_ends_everything_with_a_word(tmp_path: Path) -> None:
    with running(tmp_path, 0, **new_database()) as run:
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
