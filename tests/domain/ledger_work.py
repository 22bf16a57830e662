"""Two workers and two web processes, whose every step is a choice."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from callboard import spells
from callboard.accounts import accounts
from callboard.accounts.actor import Actor
from callboard.database import Clock, writing
from callboard.delivery import acts, buckets, following, ledger, runs, workers
from callboard.delivery.calls.targets import Targets
from callboard.delivery.deciding import decide
from callboard.delivery.ledger import Claimed, Result, Sent
from callboard.delivery.states import Lane
from callboard.health import watch
from callboard.ids import AFTER_ALL
from callboard.ingest import Acceptor, NewEvent
from callboard.outcome import Outcome
from callboard.replays import running
from callboard.schedule import Schedule
from callboard.upkeep import check
from callboard.vault import Vault
from callboard.webhooks import lifecycle, webhooks
from callboard.webhooks.settings import NewWebhook
from tests import make
from tests.clock import ToldClock
from tests.domain.ledger_truths import RATE, Flight, Truths
from tests.engine import TYPE, WHO

BUSY = """SELECT 1 FROM delivery d JOIN turn t ON t.webhook = d.webhook
    WHERE d.state = 'pending' OR t.follow IS NOT NULL OR (t.open AND d.state = 'held')
    UNION ALL SELECT 1 FROM replay r JOIN webhook w ON w.id = r.webhook
    WHERE r.state = 'running' AND w.state = 'active'
    OR r.state = 'cancelled' AND r.next_at IS NOT NULL"""
OVERDUE = """SELECT 1 FROM delivery d JOIN turn t ON t.webhook = d.webhook
    WHERE NOT t.open AND d.state = 'held' AND d.held_until <= :now"""
OF_DELETED = """SELECT 1 FROM delivery d JOIN webhook w ON w.id = d.webhook
    WHERE w.state = 'deleted' AND d.state IN ('pending', 'held')"""
STOPPED = """SELECT r.id, r.made FROM replay r JOIN webhook w ON w.id = r.webhook
    WHERE w.state != 'active' ORDER BY r.id"""
AT_ONCE = 5  # of a replay
KINDS: tuple[dict[str, Any], ...] = (
    {"concurrency": 3, "schedule": (10, 100)},
    {"ordered": True, "schedule": (10,)},
    {"rate_per_second": RATE, "concurrency": 2, "schedule": ()},
    {"concurrency": 1, "hold_days": 0, "deactivate_after": None},
    {"concurrency": 2, "delivery": Schedule(5, batch_size=60, bucket_size=3)},
)


@dataclass
class Work(Truths):
    vault: Vault = field(kw_only=True)
    late_ones: list[Flight] = field(default_factory=list)
    claims: int = 0
    begun: dict[str, datetime] = field(default_factory=dict)
    rng: Random = field(default_factory=lambda: Random(1))  # noqa: S311

    @property
    def clock(self) -> Clock:
        return ToldClock(lambda: self.now)

    @property
    def by(self) -> Actor:
        return Actor(self.account, WHO, self.now)

    async def begin(self, kinds: list[dict[str, Any]]) -> None:
        now, vault = self.now, self.vault
        self.account = account = (await accounts.add("World", now)).id
        await make.event_type(account, TYPE)
        self.processes = [Acceptor(lambda: None) for _ in range(2)]
        self.targets = Targets(vault)
        for kind in kinds:
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

    async def board(self, worker: str, which: int) -> None:
        flights = self.flights[worker]
        await self.begin_call(flights[which % len(flights)])

    async def begin_call(self, flight: Flight) -> None:
        """Where it carries several, all that ride are leased."""
        if len(flight) == 1 and flight[0].bucket:
            async with writing() as db:
                members = await buckets.board(db, flight[0])
            lead = flight[0].seq
            flight[:] = sorted(members, key=lambda each: each.seq != lead)

    async def record(self, worker: str, which: int, status: int, slow: bool) -> None:
        flights = self.flights[worker]
        flight = flights.pop(which % len(flights))
        await self.begin_call(flight)
        await self.write([flight], status, slow)

    async def record_all(self, worker: str, status: int) -> None:
        """What ended together is written down together."""
        flights = self.flights.pop(worker)
        for flight in flights:
            await self.begin_call(flight)
        await self.write(flights, status, False)

    async def work(self, worker: str, status: int) -> None:
        """Until nothing is due."""
        while await self.claim(worker, 20):
            await self.record_all(worker, status)
            await self.must_hold()

    async def give_back(self, worker: str, which: int) -> None:
        flights = self.flights[worker]
        if len(flights[which % len(flights)]) == 1:
            await self.unused([flights.pop(which % len(flights))])

    async def stop(self, worker: str) -> None:
        """It has just leased all that was due, and gives back what it has not begun."""
        while await self.claim(worker, 20):
            pass
        flights = self.flights.pop(worker)
        await self.unused([flight for flight in flights if len(flight) == 1])
        await self.write([flight for flight in flights if len(flight) > 1], 200, False)

    async def unused(self, flights: list[Flight]) -> None:
        unused = [lead for lead, *_ in flights]
        async with writing() as db:
            await ledger.record(db, [], frozenset(), self.now, unused)

    async def write(self, flights: list[Flight], status: int, slow: bool) -> None:
        seconds = 2.0 if slow else 0.1
        calls = [each for flight in flights for each in flight]
        results = [self.result(each, status, seconds) for each in calls]
        still = frozenset(each.webhook for each in calls if slow)
        async with writing() as db:
            recorded = await ledger.record(db, results, still, self.now)
            told = await watch.observe(db, recorded, self.now)
        self.answers += len(results)
        for webhook, mine in recorded.mine.items():
            signs = [each.signal.sign for each in told if each.webhook == webhook]
            (hook,) = await self.rows(
                "SELECT w.*, h.verdict FROM webhook w"
                " LEFT JOIN health h ON h.webhook = w.id WHERE w.id = :id",
                id=webhook,
            )
            for result in mine:
                self.owed.note(result, hook, signs)

    def result(self, claimed: Claimed, status: int, seconds: float) -> Result:
        target = self.targets[claimed.webhook]
        sent = Sent("POST", target.url, (), None)
        outcome = Outcome(status=status, seconds=seconds)
        begun = self.begun[claimed.lease]
        return decide(claimed, target, sent, outcome, begun, self.rng)

    async def crash(self, worker: str, calling: bool) -> None:
        """Another one takes the leases over; what it had sent may yet come back."""
        for flight in self.flights[worker] if calling else ():
            await self.begin_call(flight)
        self.late_ones += self.flights.pop(worker, [])
        await workers.bury(worker, self.now)
        await self.beat()

    async def late(self, which: int, status: int) -> None:
        flight = self.late_ones.pop(which % len(self.late_ones))
        before = await self.rows("SELECT * FROM delivery ORDER BY seq")
        await self.write([flight], status, False)
        after = await self.rows("SELECT * FROM delivery ORDER BY seq")
        assert [*map(dict, after)] == [*map(dict, before)]

    async def follow(self, hook: int, steps: int = 1) -> None:
        """What is let go is older than all that is still held."""
        for _ in range(steps):
            before = await self.waiting(self.hooks[hook], "held")
            async with writing() as db:
                await following.follow(db, self.hooks[hook], self.now)
            gone = before & await self.waiting(self.hooks[hook], "pending")
            held = await self.waiting(self.hooks[hook], "held")
            assert max(gone, default=0) < min(held, default=AFTER_ALL)

    async def waiting(self, webhook: str, state: str) -> set[int]:
        rows = await self.rows(
            "SELECT seq FROM delivery WHERE webhook = :webhook AND state = :state",
            webhook=webhook,
            state=state,
        )
        return {row["seq"] for row in rows}

    async def sweep(self) -> None:
        await spells.deactivate_waiting(self.clock)
        for hook in range(len(self.hooks)):
            await self.follow(hook)
        await self.look_for_runs()
        async with writing() as db:
            await acts.rouse(db, self.now)
            await following.gather(db, self.now)
            await acts.expire(db, self.now)
        assert await self.rows(OVERDUE, now=self.now) == []
        await runs.mend(self.now)
        await self.advance()

    async def look_for_runs(self) -> None:
        known = await self.latest_run()
        await runs.look(self.clock, lambda: None)
        await self.runs_pass_nothing(known)

    async def advance(self) -> None:
        """Nothing is made for a webhook that is stopped."""
        before = await self.rows(STOPPED)
        await running.advance(self.now, AT_ONCE)
        assert [*map(dict, await self.rows(STOPPED))] == [*map(dict, before)]

    async def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        await self.beat()

    async def drain(self) -> None:
        """With receivers that answer, all that is not held gets to an end, and what
        was to be held has been."""
        for _ in range(400):
            for worker in [*self.flights]:
                await self.record_all(worker, 200)
            await self.sweep()
            if not await self.claim("wrk_a", 50):
                if not await self.rows(BUSY):
                    break
                await self.wait(20)
        else:
            raise AssertionError("It never comes to rest.")
        await self.sweep()  # the next run can be begun only now
        await self.must_hold()
        assert await check.ledger(self.now) == []
        assert self.owed.by_seq == {}
        assert await self.rows("SELECT 1 FROM delivery WHERE state = 'pending'") == []
        assert await self.rows(OF_DELETED) == []
