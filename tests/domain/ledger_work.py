"""Two workers and two web processes, whose every step is a choice; and what must be
true after each of them."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from callboard import spells
from callboard.accounts import accounts
from callboard.accounts.actor import Actor
from callboard.database import reading, writing
from callboard.delivery import acts, buckets, following, ledger, runs, workers
from callboard.delivery.calls.targets import Targets
from callboard.delivery.deciding import decide
from callboard.delivery.ledger import Claimed, Result, Sent
from callboard.delivery.states import FINISHED, Lane
from callboard.delivery.turns import AHEAD
from callboard.health import watch
from callboard.ingest import Acceptor, NewEvent
from callboard.outcome import Outcome
from callboard.replays import running
from callboard.schedule import Schedule
from callboard.upkeep import check
from callboard.vault import Vault
from callboard.webhooks import lifecycle, webhooks
from callboard.webhooks.settings import NewWebhook
from tests import make
from tests.domain.ledger_owed import Owed
from tests.engine import TYPE, WHO

STUCK = "due deliveries that nobody looks at"
RUNS = "scheduled runs that nobody"  # begins, or ends
REPLAYS = "replays that nobody takes further"
NOT_LOOKED_AT = (STUCK, RUNS, REPLAYS)  # for some time no sweep may come
AT_ONCE = 5  # of a replay
RATE = 2.0
KINDS: tuple[dict[str, Any], ...] = (
    {"concurrency": 3, "schedule": (10, 100)},
    {"ordered": True, "schedule": (10,)},
    {"rate_per_second": RATE, "concurrency": 2, "schedule": ()},
    {"concurrency": 1, "hold_days": 0, "deactivate_after": None},
    {"concurrency": 2, "delivery": Schedule(5, batch_size=60, bucket_size=3)},
)
CALLS = """(SELECT count(*) FROM delivery d WHERE d.webhook = w.id
    AND d.due IS NOT NULL AND d.lease LIKE '{}/%')"""
Flight = list[Claimed]  # of one call; the first was claimed, the others ride


@dataclass
class Work:
    vault: Vault
    now: datetime = make.NOW
    account: str = ""
    hooks: list[str] = field(default_factory=list)
    flights: dict[str, list[Flight]] = field(default_factory=dict)
    late_ones: list[Flight] = field(default_factory=list)
    ended: dict[int, str] = field(default_factory=dict)
    receipts: int = 0
    repeats: int = 0
    claims: int = 0
    rated: list[datetime] = field(default_factory=list)
    begun: dict[str, datetime] = field(default_factory=dict)
    owed: Owed = field(default_factory=Owed)
    rng: Random = field(default_factory=lambda: Random(1))  # noqa: S311

    def clock(self) -> datetime:
        return self.now

    @property
    def by(self) -> Actor:
        return Actor(self.account, WHO, self.now)

    async def begin(self) -> None:
        now, vault = self.now, self.vault
        self.account = account = (await accounts.add("World", now)).id
        await make.event_type(account, TYPE)
        self.processes = [Acceptor(lambda: None) for _ in range(2)]
        self.targets = Targets(vault)
        for kind in KINDS:
            new = NewWebhook(url="http://127.0.0.1:9/", events=("*",), **kind)
            row, _ = await webhooks.create(self.by, new, vault, True)
            self.hooks.append(row.id)
            await lifecycle.activate(self.by, row.id, None)
        await self.beat()

    async def beat(self) -> None:
        for worker in ("wrk_a", "wrk_b"):
            await workers.Watch(worker).beat(self.now)

    async def accept(self, count: int, process: int) -> None:
        events, acceptor = [NewEvent(TYPE, b"1")] * count, self.processes[process]
        receipts = await acceptor.accept(self.account, events, self.now)
        self.receipts += sum(receipt.deliveries for receipt in receipts)

    async def claim(self, worker: str, free: int, ahead: bool = False) -> int:
        mine = Counter(lead.webhook for lead, *_ in self.flights.get(worker, ()))
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
        self.flights.setdefault(worker, []).extend([each] for each in found)
        await self.targets.load((each.webhook, each.version) for each in found)
        return len(found)

    async def may_be_called(self, found: list[Claimed]) -> None:
        """Nobody else calls it, it has not ended, and its webhook is as it says."""
        new = Counter(each.webhook for each in found)
        over = {seq for seq, state in self.ended.items() if state != "failed"}
        assert not {each.seq for each in found} & (self.flying() | over)
        rows = await self.rows(
            "SELECT w.id, w.state, w.version, w.rate_per_second AS rate,"
            " CASE WHEN w.ordered THEN 1 ELSE w.concurrency END AS cap,"
            f" {CALLS.format('wrk_a')} AS a, {CALLS.format('wrk_b')} AS b"
            " FROM webhook w"
        )
        for row in rows:
            if row["id"] in new:  # the cap may have been lowered under the others
                cap = row["cap"]
                assert row["state"] == "active"
                assert min(row["a"], cap) + min(row["b"], cap) <= cap
                assert row["a"] + row["b"] <= (1 + AHEAD) * cap
            if row["rate"]:
                self.rated += [self.now] * new[row["id"]]
        versions = {row["id"]: row["version"] for row in rows}
        for each in found:
            assert each.version == versions[each.webhook]
            await self.must_be_first(each)
        self.rate_must_hold()

    async def must_be_first(self, claimed: Claimed) -> None:
        """Where order counts, nothing older waits, or is still to be held, that is not
        to be discarded."""
        older = await self.rows(
            "SELECT d.seq FROM delivery d JOIN webhook w ON w.id = d.webhook"
            " JOIN turn t ON t.webhook = w.id"
            " WHERE w.ordered AND d.webhook = :webhook AND d.seq < :seq"
            " AND d.seq >= coalesce(t.discards_to, 0)"
            " AND (d.state IN ('pending', 'held')"
            "  OR d.state = 'failed' AND d.seq = ANY(:owed))",
            webhook=claimed.webhook,
            seq=claimed.seq,
            owed=list(self.owed.by_seq),
        )
        assert older == []

    def rate_must_hold(self) -> None:
        """In any span no more than the rate allows, and a second's worth at once."""
        for place, begun in enumerate(self.rated):
            span = (self.now - begun).total_seconds()
            assert len(self.rated) - place <= RATE * span + RATE + 0.001

    async def board(self, worker: str, which: int) -> None:
        if flights := self.flights.get(worker, []):
            await self.begin_call(flights[which % len(flights)])

    async def begin_call(self, flight: Flight) -> None:
        """Where it carries several, all that ride are leased."""
        if len(flight) == 1 and flight[0].bucket:
            async with writing() as db:
                members = await buckets.board(db, flight[0])
            lead = flight[0].seq
            flight[:] = sorted(members, key=lambda each: each.seq != lead)

    async def record(self, worker: str, which: int, status: int, slow: bool) -> None:
        if flights := self.flights.get(worker, []):
            flight = flights[which % len(flights)]
            await self.begin_call(flight)
            flights.remove(flight)
            await self.write(flight, status, slow)

    async def give_back(self, worker: str, which: int) -> None:
        flights = self.flights.get(worker, [])
        if flights and len(flights[which % len(flights)]) == 1:
            unused = flights.pop(which % len(flights))
            async with writing() as db:
                await ledger.record(db, [], frozenset(), self.now, unused)

    async def write(self, flight: Flight, status: int, slow: bool) -> None:
        seconds = 2.0 if slow else 0.1
        results = [self.result(each, status, seconds) for each in flight]
        still = frozenset({flight[0].webhook}) if slow else frozenset()
        async with writing() as db:
            recorded = await ledger.record(db, results, still, self.now)
            told = await watch.observe(db, recorded, self.now)
        signs = [each.signal.sign for each in told]
        for result in results if recorded.mine else ():
            (hook,) = await self.rows(
                "SELECT w.*, h.verdict FROM webhook w"
                " LEFT JOIN health h ON h.webhook = w.id WHERE w.id = :id",
                id=result.claimed.webhook,
            )
            self.owed.note(result, hook, signs)

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
        flight = self.late_ones.pop(which % len(self.late_ones))
        before = await self.rows("SELECT * FROM delivery ORDER BY seq")
        await self.write(flight, status, False)
        after = await self.rows("SELECT * FROM delivery ORDER BY seq")
        assert [*map(dict, after)] == [*map(dict, before)]

    async def sweep(self) -> None:
        await spells.deactivate_waiting(self.clock)
        async with writing() as db:
            for webhook in await following.webhooks(db):
                await following.follow(db, webhook, self.now)
        await runs.look(self.clock, lambda: None)
        async with writing() as db:
            await acts.rouse(db, self.now)
            await following.gather(db, self.now)
            await acts.expire(db, self.now)
        await runs.mend(self.now)
        await self.advance()

    async def advance(self) -> None:
        """All replays by a step. Of one that was cancelled nothing waits then."""
        due = await self.rows(
            "SELECT id FROM replay WHERE state = 'cancelled' AND next_at <= :now",
            now=self.now,
        )
        await running.advance(self.now, AT_ONCE)
        left = await self.rows(
            "SELECT 1 FROM replay_delivery l JOIN delivery d ON d.seq = l.delivery"
            " WHERE l.replay = ANY(:due) AND d.state = 'pending' AND d.lease IS NULL",
            due=[row["id"] for row in due],
        )
        assert left == []

    async def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        await self.beat()

    def flying(self) -> set[int]:
        flights = [flight for each in self.flights.values() for flight in each]
        return {each.seq for flight in flights for each in flight}

    async def must_hold(self) -> None:
        """The promise. What ended stays so; but what failed may be held in the end,
        when its webhook is deactivated for it."""
        found = [each.what for each in await check.ledger(self.now)]
        assert [what for what in found if not what.startswith(NOT_LOOKED_AT)] == []
        rows = await self.rows("SELECT seq, state FROM delivery")
        (made,) = await self.rows("SELECT coalesce(sum(made), 0) AS n FROM replay")
        assert len(rows) == self.receipts + self.repeats + made["n"]
        states = {row["seq"]: row["state"] for row in rows}
        for seq, state in self.ended.items():
            owed = state == "failed" and seq in self.owed.by_seq
            assert states[seq] == state or owed
        self.owed.settle(states)
        self.ended = {seq: s for seq, s in states.items() if s in FINISHED}
        leased = await self.rows("SELECT seq FROM delivery WHERE lease IS NOT NULL")
        assert {row["seq"] for row in leased} == self.flying()

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
                    " UNION ALL SELECT 1 FROM replay r JOIN webhook w"
                    " ON w.id = r.webhook WHERE r.state = 'running'"
                    " AND w.state = 'active'"
                ):
                    break
                await self.wait(20)
            while self.flights["wrk_a"]:
                await self.record("wrk_a", 0, 200, False)
        await self.sweep()
        await self.must_hold()
        assert await check.ledger(self.now) == []
        assert self.owed.by_seq == {}
        assert await self.rows("SELECT 1 FROM delivery WHERE state = 'pending'") == []

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with reading() as db:
            return list(await db.fetch(sql, **values))
