"""The whole suite on both engines: `python -m tests`; arguments go to pytest.

The engines run side by side, since tests mostly wait; what no database can change
runs once. The chaos tests watch the clock closely: they come afterwards, one engine
after the other.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

ENGINES = ("sqlite", "postgres")
NOTHING_SELECTED = 5  # pytest's exit code


def main(arguments: list[str]) -> int:
    begun = time.monotonic()
    results = [*_beside(arguments), *_afterwards(arguments)]
    failed = [name for name, code in results if code not in (0, NOTHING_SELECTED)]
    ran = [name for name, code in results if code != NOTHING_SELECTED]
    minutes, seconds = divmod(round(time.monotonic() - begun), 60)
    verdict = "Nothing was selected"
    if ran:
        verdict = f"Failed: {', '.join(failed)}" if failed else "All passed"
    _say(f"{verdict}. It took {minutes}:{seconds:02}.")
    return 1 if failed or not ran else 0


def _beside(arguments: list[str]) -> Iterator[tuple[str, int]]:
    """The output of the second is kept until the first has ended."""
    first, second = ENGINES
    with tempfile.NamedTemporaryFile() as output:
        other = _start(second, "not chaos and not once", arguments, output)
        _say(f"== {first}")
        yield first, _start(first, "not chaos", arguments).wait()
        _say(f"== {second}, which has been running beside it")
        _show(Path(output.name), other)
        yield second, other.wait()


def _afterwards(arguments: list[str]) -> Iterator[tuple[str, int]]:
    """Where no path is given, only theirs is read: the others take a while to."""
    path = ["-o", "testpaths=tests/chaos"]
    for engine in ENGINES:
        name = f"chaos on {engine}"
        _say(f"== {name}")
        yield name, _start(engine, "chaos", [*path, *arguments]).wait()


def _start(
    engine: str, marked: str, arguments: list[str], output: IO[bytes] | None = None
) -> "subprocess.Popen[bytes]":
    cache = f"cache_dir=.pytest_cache/{engine}"
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-o", cache, "-m", marked, *arguments],
        env=os.environ | {"TEST_ENGINE": engine},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )


def _show(output: Path, process: "subprocess.Popen[bytes]") -> None:
    """As it is written, until the process has ended."""
    with output.open() as written:
        over = False
        while not over:
            over = process.poll() is not None
            print(written.read(), end="", flush=True)  # noqa: T201
            time.sleep(0 if over else 0.2)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
