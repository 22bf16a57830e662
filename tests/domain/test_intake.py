"""What is sent at once waits for room, so that memory does not grow with it."""

import asyncio

from callboard.ingest.intake import Intake, Room

LARGE = 100 * 1024


class Sender:
    """Enters for so many bytes, and stays until it is let go."""

    def __init__(self, intake: Intake, size: int, account: str = "acc_a") -> None:
        self.is_in = False
        self._leave = asyncio.Event()
        self.task = asyncio.create_task(self._send(Room(intake, account), size))

    async def _send(self, asked: Room, size: int) -> None:
        with asked as room:
            await room.enlarge(size)
            self.is_in = True
            await self._leave.wait()
        self.is_in = False

    async def leave(self) -> None:
        self._leave.set()
        await self.task
        await settled()


async def settled() -> None:
    """Everybody has gone as far as there is room."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_is_in_than_there_is_room_for():
    intake = Intake(2 * LARGE)
    senders = [Sender(intake, LARGE) for _ in range(4)]
    for done in range(3):
        await settled()
        assert [s.is_in for s in senders[done:]][:3] == [True, True, False][: 4 - done]
        await senders[done].leave()
    await senders[3].leave()


async def test_however_much_an_account_sends_others_find_room():
    intake = Intake(2 * LARGE)
    many = [Sender(intake, LARGE) for _ in range(5)]
    await settled()
    other = Sender(intake, 2 * LARGE, "acc_b")
    await settled()
    assert [each.is_in for each in (*many, other)] == [True] * 2 + [False] * 3 + [True]
    for each in (other, *many):
        await each.leave()


async def test_all_accounts_together_get_twice_as_much_as_one():
    intake = Intake(LARGE)
    senders = [Sender(intake, LARGE, f"acc_{each}") for each in "abcd"]
    for done in range(4):
        await settled()
        assert sum(each.is_in for each in senders) == min(2, 4 - done)
        await senders[done].leave()


async def test_the_largest_is_not_passed_by_again_and_again():
    intake = Intake(2 * LARGE)
    first, largest, later = (Sender(intake, n * LARGE) for n in (1, 2, 1))
    await settled()
    assert (first.is_in, largest.is_in, later.is_in) == (True, False, False)
    await first.leave()
    assert (largest.is_in, later.is_in) == (True, False)
    await largest.leave()
    await later.leave()


async def test_who_leaves_while_it_waits_keeps_nobody_waiting():
    intake = Intake(LARGE)
    first, leaving, last = (Sender(intake, LARGE) for _ in range(3))
    await settled()
    leaving.task.cancel()
    await settled()
    await first.leave()
    assert last.is_in
    await last.leave()


async def test_who_leaves_while_all_is_taken_keeps_nothing_of_its_share():
    intake = Intake(LARGE)
    others = [Sender(intake, LARGE, account) for account in ("acc_b", "acc_c")]
    await settled()
    leaving = Sender(intake, LARGE)
    await settled()
    leaving.task.cancel()
    await settled()
    last = Sender(intake, LARGE)
    await others[0].leave()
    assert last.is_in
    for each in (others[1], last):
        await each.leave()


async def test_who_breaks_off_gives_its_room_back():
    intake = Intake(LARGE)
    first = Sender(intake, LARGE)
    await settled()
    first.task.cancel()
    await settled()
    second = Sender(intake, LARGE)
    await settled()
    assert second.is_in
    await second.leave()
