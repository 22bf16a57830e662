"""A worker process of its own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

WITHIN = 30.0  # to start, and to end


@asynccontextmanager
async def worker_process(**environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Stopped as a platform does it; it must end by itself, and well. Unless the test
    has killed it."""
    async with starting(**environ) as worker:
        yield worker
        if worker.returncode is not None:
            return
        worker.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WITHIN):
            output, _ = await worker.communicate()
        assert worker.returncode == 0, output.decode()


@asynccontextmanager
async def starting(**environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Once it works; killed in the end."""
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workers"),
        env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert worker.stdout
    try:
        async with asyncio.timeout(WITHIN):
            await worker.stdout.readuntil(b"worker.started")
        yield worker
    finally:
        with suppress(ProcessLookupError):
            worker.kill()
        await worker.wait()
