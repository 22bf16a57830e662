from tests.stories.conftest import engine, receiver

__all__ = ["engine", "receiver"]
