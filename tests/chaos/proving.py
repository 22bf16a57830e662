"""What became of each event of a load."""

import asyncio
import time
from collections import Counter

from tests.chaos.load import GOES_ON, Call, Load, call_of
from tests.chaos.report import Figures

_ARRIVES_WITHIN = 40.0


async def settled(load: Load) -> Figures:
    """Waits until all that was accepted has been received and is recorded, and proves
    that it was in time, that only what was in flight was repeated, and that the ledger
    is in order."""
    calls = await _received(load)
    first = dict(reversed(calls))
    times = Counter(call for call, _ in calls)
    chances = Counter(call for kill in load.kills for call in kill.held)
    answered = {each.id: each.at for each in load.accepted}
    late = {
        call: at - load.free_since(call, answered[call[0]])
        for call, at in first.items()
        if call[0] in answered and call not in chances
    }
    over = await _taken_over(load)
    extra = [call for call, n in times.items() if n > 1 + chances[call]]
    slowest = max(late.values())
    assert not (found := await load.world.ask("findings")), found
    assert not (found := load.world.complaints()), "\n".join(found)
    assert not extra, extra
    assert slowest <= GOES_ON, slowest
    assert over <= load.takes_over, over
    return Figures(
        accepted=len(load.accepted),
        refused={status: len(keys) for status, keys in load.refused.items() if keys},
        held=chances.total(),
        repeats=times.total() - len(times),
        went_on=max(slowest, 0.0),
        taken_over=over,
    )


async def _received(load: Load) -> list[tuple[Call, float]]:
    deadline = time.monotonic() + _ARRIVES_WITHIN
    while True:
        found = await load.world.calls_since(load.place)
        calls = [((id, path), at) for id, path, at in found]
        paths = Counter(id for id, _ in {call for call, _ in calls})
        missing = [a.id for a in load.accepted if paths[a.id] < a.deliveries]
        waiting = await load.world.ask("waiting")
        if not missing and not waiting:
            return calls
        assert time.monotonic() < deadline, (missing, waiting)
        await asyncio.sleep(0.1)


async def _taken_over(load: Load) -> float:
    """The longest from a kill until what was in flight was finished."""
    last = {call: kill.at for kill in load.kills for call in kill.held}
    if not last:
        return 0.0
    offset = time.time() - time.monotonic()
    ended = {
        call_of(id, url): at - offset
        for id, url, at in await load.world.ask("finished", min(last)[0][:-1])
    }
    return max(ended[call] - at for call, at in last.items())
