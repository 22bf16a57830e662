"""Processes that end with us: those that write a log, and those that we talk with."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from callboard.processes import supervisor

HOME = Path(__file__).parent.parent.parent

Process = subprocess.Popen[str]


def start(
    command: list[str], environ: dict[str, str], log: Path | None = None
) -> Process:
    """Without a log we talk with it."""
    tie = [sys.executable, "-I", "-S", str(supervisor.TIED), str(os.getpid())]
    out = log.open("w") if log else subprocess.PIPE
    try:
        return subprocess.Popen(
            [*tie, *command],
            cwd=HOME,
            env=environ,
            stdin=subprocess.DEVNULL if log else subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT if log else None,
            text=True,
            start_new_session=True,
        )
    finally:
        if log:
            out.close()


def python(module: str) -> list[str]:
    return [sys.executable, "-m", module]


async def ask(process: Process, question: str) -> Any:
    assert process.stdin
    assert process.stdout
    process.stdin.write(question + "\n")
    process.stdin.flush()
    return json.loads(await asyncio.to_thread(process.stdout.readline))
