"""A worker's sign of life for others on its machine: a file that it keeps locked.

The kernel lets go of the lock however a process ends, so its neighbours know at once.
A lock means something on one running kernel only, so the file names it; elsewhere the
beat alone counts.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Presence:
    """Raises OSError where nothing can be written."""

    def __init__(self, directory: Path, worker: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._boot = _BOOT.read_text().strip() if _BOOT.exists() else ""
        self._own = self._path(worker)
        born = self._own.with_suffix(".new")
        self._file = born.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        born.rename(self._own)  # nobody finds it unlocked

    def gone(self, workers: Iterable[str]) -> list[str]:
        """Those among them that lived on this machine and do so no more."""
        return [worker for worker in workers if self._is_unlocked(self._path(worker))]

    def forget(self, worker: str) -> None:
        """Takes away the file of a worker that has ended. One that only stood still
        keeps it: if it goes on and dies later, its neighbours must notice."""
        if self._is_unlocked(path := self._path(worker)):
            path.unlink(missing_ok=True)

    def leave(self) -> None:
        self._own.unlink(missing_ok=True)
        self._file.close()

    def _path(self, worker: str) -> Path:
        return self._directory / f"{worker}.{self._boot}"

    @staticmethod
    def _is_unlocked(path: Path) -> bool:
        try:
            file = os.open(path, os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(file)
        return True
