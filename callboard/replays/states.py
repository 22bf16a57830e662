from enum import StrEnum


class ReplayState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


OPEN = (ReplayState.RUNNING, ReplayState.PAUSED)
