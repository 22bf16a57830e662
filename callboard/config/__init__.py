"""Settings: read once from the environment, every problem reported at once."""

from callboard.config.settings import (
    Settings,
    SettingsError,
    described,
    read_or_exit,
)
from callboard.config.values import SHORTEST_KEY

__all__ = ["SHORTEST_KEY", "Settings", "SettingsError", "described", "read_or_exit"]
