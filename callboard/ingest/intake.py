"""How much of what is being sent lies in memory at once."""

import asyncio

_MOST = 8 * 1024 * 1024


class Intake:
    """Large bodies find room, one after the other, before more is read of them; until
    then it is their senders who keep them. `most`: bytes, no less than any body has.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._free = most
        self._freed = asyncio.Event()
        self._turn = asyncio.Lock()

    async def take(self, size: int) -> None:
        async with self._turn:
            while self._free < size:
                self._freed.clear()
                await self._freed.wait()
            self._free -= size

    def give_back(self, size: int) -> None:
        self._free += size
        self._freed.set()


class Room:
    """That of one body, until what is in it has been stored: `with Room(intake) as …`.
    Only the large ask for any."""

    __slots__ = ("_intake", "_size")

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._size = 0

    async def enlarge(self, size: int) -> None:
        """To so many bytes; waits for them."""
        await self._intake.take(size)
        self._size = size

    def __enter__(self) -> "Room":
        return self

    def __exit__(self, *_: object) -> None:
        if self._size:
            self._intake.give_back(self._size)
