"""The ledger under any order of events: hypothesis looks for one that breaks it."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from callboard import by_hand, check, ids, spells
from callboard.accounts import accounts
from callboard.config import Settings
from callboard.database import opened_database, reading, writing
from callboard.delivery import acts, following, ledger, workers
from callboard.delivery.ledger import Claimed, Result, Sent
from callboard.delivery.states import FINISHED, Lane
from callboard.delivery.targets import Targets
from callboard.delivery.turns import AHEAD
from callboard.dispatch import decide
from callboard.errors import CallboardError, Conflict, Invalid, NotFound
from callboard.health import watch
from callboard.health.tracker import Sign
from callboard.ingest import Acceptor, NewEvent
from callboard.outcome import Outcome
from callboard.vault import Vault
from callboard.webhooks import lifecycle, webhooks
from callboard.webhooks.settings import NewWebhook
from tests import make
from tests.engine import TYPE, WHO

TABLES = (
    "event",
    "delivery",
    "attempt",
    "turn",
    "webhook",
    "worker",
    "tally",
    "health",
)
STUCK = "due deliveries that nobody looks at"
RATE = 2.0
KINDS: tuple[dict[str, Any], ...] = (
    {"concurrency": 3, "schedule": (10, 100)},
    {"ordered": True, "schedule": (10,)},
    {"rate_per_second": RATE, "concurrency": 2, "schedule": ()},
    {"concurrency": 1, "hold_days": 0},
)
HOOK = st.integers(0, len(KINDS) - 1)
WORKER = st.sampled_from(["wrk_a", "wrk_b"])
ANY = st.integers(0, 30)
AFTERWARDS = (None, "deliver", "discard")
STEPS = st.one_of(
    st.tuples(st.just("accept"), st.integers(1, 4), st.integers(0, 1)),
    st.tuples(st.just("accept"), st.integers(1, 4), st.integers(0, 1)),
    st.tuples(st.just("claim"), WORKER, st.integers(1, 6), st.booleans()),
    st.tuples(st.just("claim"), WORKER, st.integers(1, 6), st.booleans()),
    st.tuples(st.just("claim"), WORKER, st.integers(1, 6), st.booleans()),
    st.tuples(st.just("give_back"), WORKER, ANY),
    st.tuples(
        st.just("record"), WORKER, ANY, st.sampled_from([200, 500]), st.booleans()
    ),
    st.tuples(
        st.just("record"), WORKER, ANY, st.sampled_from([200, 500]), st.booleans()
    ),
    st.tuples(st.just("crash"), WORKER),
    st.tuples(st.just("late"), ANY, st.sampled_from([200, 500])),
    st.tuples(st.just("sweep")),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 1, 11, 90_000, 500_000])),
    st.tuples(st.just("pause"), HOOK),
    st.tuples(st.just("deactivate"), HOOK),
    st.tuples(st.just("activate"), HOOK, st.sampled_from([None, "deliver", "discard"])),
    st.tuples(st.just("lose"), HOOK, st.booleans(), st.sampled_from(AFTERWARDS)),
    st.tuples(st.just("delete"), HOOK),
    st.tuples(st.just("cancel"), ANY),
    st.tuples(st.just("try_now"), ANY),
    st.tuples(st.just("repeat"), ANY),
    st.tuples(st.just("change"), HOOK, st.booleans(), st.integers(1, 5)),
)


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(STEPS, min_size=10, max_size=30))
def test_no_order_of_things_breaks_the_ledger(
    migrated: None, settings: Settings, steps: list[tuple[Any, ...]]
):
    vault = Vault(list(settings.secret_keys))
    asyncio.run(play(vault, steps))


async def play(vault: Vault, steps: list[tuple[Any, ...]]) -> None:
    async with opened_database():
        async with writing() as db:
            for table in TABLES:
                await db.fetch(f"DELETE FROM {table}")
        world = World(vault)
        await world.begin()
        for name, *arguments in steps:
            await getattr(world, name)(*arguments)
            await world.must_hold()
        await world.drain()


@dataclass
class World:
    vault: Vault
    now: datetime = make.NOW
    account: str = ""
    hooks: list[str] = field(default_factory=list)
    flights: dict[str, list[Claimed]] = field(default_factory=dict)
    late_ones: list[Claimed] = field(default_factory=list)
    ended: dict[int, str] = field(default_factory=dict)
    receipts: int = 0
    repeats: int = 0
    claims: int = 0
    rated: list[datetime] = field(default_factory=list)
    begun: dict[str, datetime] = field(default_factory=dict)
    lost: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    good: dict[str, datetime] = field(default_factory=dict)
    owed: dict[int, str] = field(default_factory=dict)
    rng: Random = field(default_factory=lambda: Random(1))  # noqa: S311

    async def begin(self) -> None:
        self.account = (await accounts.add("World", self.now)).id
        await make.event_type(self.account, TYPE)
        self.processes = [Acceptor(lambda: None) for _ in range(2)]
        self.targets = Targets(self.vault)
        for kind in KINDS:
            new = NewWebhook(url="http://127.0.0.1:9/", events=("*",), **kind)
            row, _ = await webhooks.create(
                self.account, WHO, new, self.vault, True, self.now
            )
            self.hooks.append(row.id)
            await lifecycle.activate(self.account, WHO, row.id, None, self.now)
        await self.beat()

    async def beat(self) -> None:
        for worker in ("wrk_a", "wrk_b"):
            await workers.Watch(worker).beat(self.now)

    async def accept(self, count: int, process: int) -> None:
        events = [NewEvent(TYPE, b"1")] * count
        acceptor = self.processes[process]
        receipts = await acceptor.accept(self.account, events, self.now)
        self.receipts += sum(receipt.deliveries for receipt in receipts)

    async def claim(self, worker: str, free: int, ahead: bool = False) -> int:
        mine = Counter(each.webhook for each in self.flights.get(worker, ()))
        held = {hook: mine[hook] for hook in self.hooks if ahead}
        found = []
        for lane in Lane:
            self.claims += 1
            lease = f"{worker}/{self.claims}"
            self.begun[lease] = self.now
            async with writing() as db:
                bulk = free // 2 if ahead else None
                found += await ledger.claim(db, lane, free, lease, self.now, held, bulk)
        await self.may_be_called(found)
        self.flights.setdefault(worker, []).extend(found)
        await self.targets.load((each.webhook, each.version) for each in found)
        return len(found)

    async def may_be_called(self, found: list[Claimed]) -> None:
        flying = [each for flights in self.flights.values() for each in flights]
        assert not {each.seq for each in found} & {each.seq for each in flying}
        active = await self.rows("SELECT id FROM webhook WHERE state = 'active'")
        assert {each.webhook for each in found} <= {row["id"] for row in active}
        rows = await self.rows(
            "SELECT w.id, w.ordered, w.rate_per_second AS rate, w.concurrency,"
            " (SELECT count(*) FROM delivery d WHERE d.webhook = w.id"
            "  AND d.lease LIKE 'wrk_a/%') AS a,"
            " (SELECT count(*) FROM delivery d WHERE d.webhook = w.id"
            "  AND d.lease LIKE 'wrk_b/%') AS b FROM webhook w"
        )
        new = Counter(each.webhook for each in found)
        for row in rows:
            if row["id"] in new:  # the cap may have been lowered under the others
                cap = 1 if row["ordered"] else row["concurrency"]
                assert min(row["a"], cap) + min(row["b"], cap) <= cap
                assert row["a"] + row["b"] <= (1 + AHEAD) * cap
            if row["rate"]:
                self.rated += [self.now] * new[row["id"]]
        for each in found:
            await self.must_be_first(each)
        self.rate_must_hold()

    async def must_be_first(self, claimed: Claimed) -> None:
        """Where order counts, nothing older waits, or is still to be held."""
        older = await self.rows(
            "SELECT d.seq FROM delivery d JOIN webhook w ON w.id = d.webhook"
            " WHERE w.ordered AND d.webhook = :webhook AND d.seq < :seq"
            " AND (d.state IN ('pending', 'held')"
            "  OR d.state = 'failed' AND d.seq = ANY(:owed))",
            webhook=claimed.webhook,
            seq=claimed.seq,
            owed=list(self.owed),
        )
        assert older == []

    def rate_must_hold(self) -> None:
        """In any span no more than the rate allows, and a second's worth at once."""
        for place, begun in enumerate(self.rated):
            span = (self.now - begun).total_seconds()
            assert len(self.rated) - place <= RATE * span + RATE + 0.001

    async def record(self, worker: str, which: int, status: int, slow: bool) -> None:
        flights = self.flights.get(worker, [])
        if flights:
            claimed = flights.pop(which % len(flights))
            await self.write(claimed, status, slow)

    async def give_back(self, worker: str, which: int) -> None:
        flights = self.flights.get(worker, [])
        if flights:
            unused = [flights.pop(which % len(flights))]
            async with writing() as db:
                await ledger.record(db, [], frozenset(), self.now, unused)

    async def write(self, claimed: Claimed, status: int, slow: bool) -> None:
        result = self.result(claimed, status, 2.0 if slow else 0.1)
        still = frozenset({claimed.webhook}) if slow else frozenset()
        async with writing() as db:
            recorded = await ledger.record(db, [result], still, self.now)
            told = await watch.observe(db, recorded, self.now)
        if recorded.mine:
            await self.owe(result, [each.signal.sign for each in told])

    async def owe(self, result: Result, signs: list[Sign]) -> None:
        """What failed since the last success, when the rule stops its webhook; and
        what was under way then."""
        id, seq = result.claimed.webhook, result.claimed.seq
        (hook,) = await self.rows(
            "SELECT w.*, h.verdict FROM webhook w"
            " LEFT JOIN health h ON h.webhook = w.id WHERE w.id = :id",
            id=id,
        )
        if result.state == "delivered":
            self.good[id] = max(self.good.get(id, result.ended_at), result.ended_at)
            self.lost[id].clear()
        if result.state != "failed" or not hook["hold_days"]:
            return
        late = hook["cause"] or (hook["verdict"] and Sign.DEACTIVATE not in signs)
        if late or (
            hook["state"] == "active" and result.started_at < hook["state_since"]
        ):
            self.owed[seq] = id
        elif id not in self.good or result.ended_at > self.good[id]:
            self.lost[id].add(seq)
        if Sign.DEACTIVATE in signs:
            self.owed |= dict.fromkeys(self.lost.pop(id, ()), id)

    def result(self, claimed: Claimed, status: int, seconds: float) -> Result:
        target = self.targets[claimed.webhook]
        sent = Sent("POST", target.url, (), None)
        outcome = Outcome(status=status, seconds=seconds)
        begun = self.begun[claimed.lease]
        return decide(claimed, target, sent, outcome, begun, self.rng)

    async def crash(self, worker: str) -> None:
        """Another one takes the leases over; what it had sent may yet come back."""
        self.late_ones += self.flights.pop(worker, [])
        await workers.bury(worker, self.now)
        await self.beat()

    async def late(self, which: int, status: int) -> None:
        if not self.late_ones:
            return
        claimed = self.late_ones.pop(which % len(self.late_ones))
        before = await self.row_of(claimed)
        await self.write(claimed, status, False)
        assert await self.row_of(claimed) == before

    async def row_of(self, claimed: Claimed) -> dict[str, Any]:
        seq = claimed.seq
        (row,) = await self.rows("SELECT * FROM delivery WHERE seq = :seq", seq=seq)
        return dict(row)

    async def sweep(self) -> None:
        await spells.deactivate_waiting(lambda: self.now)
        async with writing() as db:
            for webhook in await following.webhooks(db):
                await following.follow(db, webhook, self.now)
            await acts.rouse(db, self.now)
            await following.gather(db, self.now)
            await acts.expire(db, self.now)

    async def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def pause(self, hook: int) -> None:
        await self.may_refuse(lifecycle.pause, hook)

    async def deactivate(self, hook: int) -> None:
        await self.may_refuse(lifecycle.deactivate, hook)

    async def delete(self, hook: int) -> None:
        if hook == 0:
            await self.may_refuse(lifecycle.delete, hook)
            self.owed = {s: id for s, id in self.owed.items() if id != self.hooks[0]}

    async def activate(self, hook: int, held: Any) -> None:
        """Is never refused because something is still on its way."""
        id = self.hooks[hook]
        (row,) = await self.rows("SELECT state FROM webhook WHERE id = :id", id=id)
        refusals = () if held else (Invalid,)
        with contextlib.suppress(NotFound, *refusals):
            await lifecycle.activate(self.account, WHO, id, held, self.now)
            if row["state"] != "active":
                self.lost.pop(id, None)

    async def lose(self, hook: int, follows: bool, held: Any) -> None:
        """The rule stops it, and a person activates it within the same second."""
        id = self.hooks[hook]
        for _ in range(12):
            (row,) = await self.rows("SELECT state FROM webhook WHERE id = :id", id=id)
            if row["state"] != "active":
                break
            await self.accept(1, 0)
            await self.claim("wrk_b", 20)
            mine = [each for each in self.flights["wrk_b"] if each.webhook == id]
            for claimed in mine[: len(mine) if follows else 1]:
                self.flights["wrk_b"].remove(claimed)
                await self.write(claimed, 500, slow=False)
                await self.must_hold()
            self.now += timedelta(seconds=101)
            await spells.deactivate_waiting(lambda: self.now)
        if follows:
            await self.sweep()
            await self.must_hold()
        await self.activate(hook, held)

    async def may_refuse(self, act: Callable[..., Awaitable[Any]], hook: int) -> None:
        with contextlib.suppress(Conflict, NotFound):
            await act(self.account, WHO, self.hooks[hook], self.now)

    async def change(self, hook: int, ordered: bool, concurrency: int) -> None:
        """From ordered to not and back, with whatever is under way."""
        wanted = {"ordered": ordered, "concurrency": concurrency}
        id = self.hooks[hook]
        with contextlib.suppress(NotFound):
            await webhooks.change(
                self.account, WHO, id, wanted, self.vault, True, self.now
            )

    async def cancel(self, which: int) -> None:
        await self.by_hand(by_hand.cancel, which)

    async def try_now(self, which: int) -> None:
        await self.by_hand(by_hand.try_now, which)

    async def repeat(self, which: int) -> None:
        self.repeats += await self.by_hand(by_hand.repeat, which)

    async def by_hand(self, act: Callable[..., Awaitable[Any]], which: int) -> int:
        rows = await self.rows("SELECT seq FROM delivery ORDER BY seq")
        if not rows:
            return 0
        id = ids.from_sequence("dlv", rows[which % len(rows)]["seq"])
        try:
            await act(self.account, WHO, id, self.now)
        except CallboardError:
            return 0
        return 1

    async def must_hold(self) -> None:
        found = await check.ledger(self.now)
        assert [each for each in found if each.what != STUCK] == []
        rows = await self.rows("SELECT seq, state FROM delivery")
        assert len(rows) == self.receipts + self.repeats
        states = {row["seq"]: row["state"] for row in rows}
        for seq, state in self.ended.items():
            assert states[seq] == state or (state == "failed" and seq in self.owed)
        self.owed = {s: id for s, id in self.owed.items() if states[s] == "failed"}
        self.ended = {seq: s for seq, s in states.items() if s in FINISHED}
        flying = {f.seq for flights in self.flights.values() for f in flights}
        leased = await self.rows("SELECT seq FROM delivery WHERE lease IS NOT NULL")
        assert {row["seq"] for row in leased} == flying

    async def drain(self) -> None:
        """With receivers that answer, all that is not held gets to an end, and what
        was to be held has been."""
        for worker in ("wrk_a", "wrk_b"):
            while self.flights.get(worker):
                await self.record(worker, 0, 200, False)
        for _ in range(400):
            await self.sweep()
            if not await self.claim("wrk_a", 50):
                if not await self.rows(
                    "SELECT 1 FROM delivery d JOIN turn t ON t.webhook = d.webhook"
                    " WHERE d.state = 'pending' OR t.follow IS NOT NULL"
                    " OR (t.open AND d.state = 'held')"
                ):
                    break
                self.now += timedelta(seconds=20)
            while self.flights["wrk_a"]:
                await self.record("wrk_a", 0, 200, False)
        await self.must_hold()
        assert await check.ledger(self.now) == []
        assert self.owed == {}
        waiting = "SELECT seq FROM delivery WHERE state = 'pending'"
        assert await self.rows(waiting) == []

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with reading() as db:
            return list(await db.fetch(sql, **values))
