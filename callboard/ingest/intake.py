"""How much of what is being sent lies in memory at once."""

import asyncio
from weakref import WeakValueDictionary

# No less than any body has.
_SHARE = 8 * 1024 * 1024


class Space:
    """So many bytes."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._freed = asyncio.Event()
        self._turn = asyncio.Lock()

    async def take(self, size: int) -> None:
        """Waits for them; whoever came first goes first."""
        async with self._turn:
            while self._free < size:
                self._freed.clear()
                await self._freed.wait()
            self._free -= size

    def give_back(self, size: int) -> None:
        self._free += size
        self._freed.set()


class Intake:
    """Large bodies find room, one after the other, before more is read of them; until
    then it is their senders who keep them. An account's `share` is half of it: who
    sends slowly keeps nobody else waiting.
    """

    def __init__(self, share: int = _SHARE) -> None:
        self._share = share
        self._shares: WeakValueDictionary[str, Space] = WeakValueDictionary()
        self.whole = Space(2 * share)

    def share(self, account: str) -> Space:
        return self._shares.setdefault(account, Space(self._share))


class Room:
    """That of one body, until what is in it has been stored: `with Room(…) as …`.
    Only the large ask for any."""

    __slots__ = ("_account", "_held", "_intake", "_size")

    def __init__(self, intake: Intake, account: str) -> None:
        self._intake = intake
        self._account = account
        self._held: tuple[Space, ...] = ()

    async def enlarge(self, size: int) -> None:
        """To so many bytes; waits for them. First for those of the account, so that
        the others do not stand behind all that it sends."""
        self._size = size
        for space in (self._intake.share(self._account), self._intake.whole):
            await space.take(size)
            self._held += (space,)

    def __enter__(self) -> "Room":
        return self

    def __exit__(self, *_: object) -> None:
        for space in self._held:
            space.give_back(self._size)
