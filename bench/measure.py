"""CPU time and memory of processes, as Linux counts them."""

import os
from collections.abc import Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """PostgreSQL is its postmaster with all that it ever started and still has."""
    return {name: sum(map(_cpu, _family(name, pid))) for name, pid in pids.items()}


def machine_seconds() -> tuple[float, float]:
    """What all cores together have worked, and what they could have."""
    ticks = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    spent = [int(each) / _TICKS for each in ticks]
    idle = spent[3] + spent[4]
    return sum(spent) - idle, sum(spent)


def peak_megabytes(pids: Mapping[str, int]) -> dict[str, float]:
    """The most that a process had at once; of PostgreSQL what its processes have now,
    shared memory counted once."""
    found = {}
    for name, pid in pids.items():
        if name == "postgres":
            found[name] = sum(_kilobytes(p, "smaps_rollup", "Pss") for p in _all(pid))
        else:
            found[name] = _kilobytes(pid, "status", "VmHWM")
    return {name: kilobytes / 1024 for name, kilobytes in found.items()}


def _family(name: str, pid: int) -> list[int]:
    return _all(pid) if name == "postgres" else [pid]


def _all(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def _cpu(pid: int) -> float:
    """With the children that have ended, which their parent has counted."""
    try:
        return sum(map(int, _stat(pid)[11:15])) / _TICKS
    except FileNotFoundError:
        return 0.0


def _stat(pid: int) -> list[str]:
    """From the state on: what stands before it may have spaces in it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _kilobytes(pid: int, file: str, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
