"""What has been seen of the ledger so far, and what must be true of it at any time."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from callboard.database import as_time, reading
from callboard.delivery.ledger import Claimed
from callboard.delivery.states import FINISHED
from callboard.delivery.turns import AHEAD
from callboard.upkeep import check
from tests import make
from tests.domain.ledger_owed import Owed

STUCK = "due deliveries that nobody looks at"
RUNS = "scheduled runs that nobody"  # begins, or ends
REPLAYS = "replays that nobody takes further"
VERDICTS = "webhooks that are to be deactivated"
NOT_LOOKED_AT = (STUCK, RUNS, REPLAYS, VERDICTS)  # for some time no sweep may come
RATE = 2.0
CALLS = """(SELECT count(*) FROM delivery d WHERE d.webhook = w.id
    AND d.due IS NOT NULL AND d.lease LIKE '{}/%')"""
# With two workers that never commit at the same moment, nobody has to be roused.
ASLEEP = """SELECT t.webhook FROM turn t JOIN delivery d ON d.webhook = t.webhook
    WHERE t.open AND t.leased = 0 AND t.follow IS NULL
    AND (t.next_due IS NULL
        OR t.rate IS NULL AND t.next_due > d.due AND t.next_due > :now)
    AND d.state = 'pending' AND d.due IS NOT NULL
    AND (NOT t.ordered OR d.seq = (SELECT min(head.seq) FROM delivery head
        WHERE head.webhook = t.webhook AND head.state IN ('pending', 'held')))"""
Flight = list[Claimed]  # of one call; the first was claimed, the others ride


@dataclass
class Truths:
    """`held`: deliveries that were since they were last called. `doomed`: those that
    were to be discarded, by whether they were under way then; `cancelled`: by a person.
    `sent_again`: by replay, the deliveries it made and their events."""

    now: datetime = make.NOW
    account: str = ""
    hooks: list[str] = field(default_factory=list)
    flights: dict[str, list[Flight]] = field(default_factory=dict)
    ended: dict[int, str] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)
    doomed: dict[bool, set[int]] = field(default_factory=lambda: defaultdict(set))
    cancelled: set[int] = field(default_factory=set)
    sent_again: dict[str, dict[int, str]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    receipts: int = 0
    repeats: int = 0
    answers: int = 0
    rated: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    owed: Owed = field(default_factory=Owed)

    def flying(self) -> set[int]:
        flights = [flight for each in self.flights.values() for flight in each]
        return {each.seq for flight in flights for each in flight}

    async def must_hold(self) -> None:
        """The promise. What ended stays so; but what failed may be held in the end,
        when its webhook is deactivated for it."""
        found = [each.what for each in await check.ledger(self.now)]
        wrong = [what for what in found if not what.startswith(NOT_LOOKED_AT)]
        assert not wrong, wrong
        assert await self.rows(ASLEEP, now=self.now) == []
        rows = await self.rows("SELECT seq, state, lease FROM delivery")
        await self.nothing_is_lost(len(rows))
        states = {row["seq"]: row["state"] for row in rows}
        for seq, state in self.ended.items():
            owed = state == "failed" and seq in self.owed.by_seq
            assert states[seq] == state or owed
        await self.reasons_must_be_true()
        await self.replays_send_once()
        self.owed.settle(states)
        self.ended = {seq: s for seq, s in states.items() if s in FINISHED}
        self.held |= {seq for seq, state in states.items() if state == "held"}
        assert {row["seq"] for row in rows if row["lease"]} == self.flying()

    async def nothing_is_lost(self, deliveries: int) -> None:
        """As many as were promised or asked for, and each answer written down once."""
        (made,) = await self.rows("SELECT coalesce(sum(made), 0) AS n FROM replay")
        assert deliveries == self.receipts + self.repeats + made["n"]
        (kept,) = await self.rows("SELECT count(*) AS n FROM attempt")
        assert kept["n"] == self.answers

    async def reasons_must_be_true(self) -> None:
        rows = await self.rows(
            "SELECT d.seq, d.reason, d.finished_at, d.created_at, w.state, w.hold_days"
            " FROM delivery d JOIN webhook w ON w.id = d.webhook"
            " WHERE d.state IN ('cancelled', 'expired')"
        )
        for row in rows:
            kept = as_time(row["finished_at"]) - as_time(row["created_at"])
            assert {
                "discarded": row["seq"] in self.doomed[True] | self.doomed[False],
                "cancelled by a person": row["seq"] in self.cancelled,
                "webhook deleted": row["state"] == "deleted",
                "held too long": kept.days >= row["hold_days"],
            }.get(row["reason"], row["reason"] in ("replay cancelled", "not kept"))

    async def replays_send_once(self) -> None:
        rows = await self.rows(
            "SELECT l.replay, l.delivery, d.event FROM replay_delivery l"
            " JOIN delivery d ON d.seq = l.delivery"
        )
        for row in rows:
            self.sent_again[row["replay"]][row["delivery"]] = row["event"]
        for made in self.sent_again.values():
            assert len(set(made.values())) == len(made)

    async def may_be_called(self, found: list[Claimed]) -> None:
        """Nobody else calls it, it has not ended nor is it to, and its webhook is as it
        says. What was held has its whole plan again."""
        seqs = {each.seq for each in found}
        over = {seq for seq, state in self.ended.items() if state != "failed"}
        assert not seqs & (self.flying() | over | self.doomed[False])
        assert not [each for each in found if each.tries and each.seq in self.held]
        self.held -= seqs
        early = "SELECT 1 FROM delivery WHERE seq = ANY(:seqs) AND due > :now"
        assert await self.rows(early, seqs=sorted(seqs), now=self.now) == []
        for each in found:
            await self.must_be_first(each)
        await self.caps_must_hold(found)

    async def caps_must_hold(self, found: list[Claimed]) -> None:
        new = Counter(each.webhook for each in found)
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
                self.rated[row["id"]] += [self.now] * new[row["id"]]
        versions = {row["id"]: row["version"] for row in rows}
        assert all(each.version == versions[each.webhook] for each in found)
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

    async def latest_run(self) -> int:
        (row,) = await self.rows("SELECT coalesce(max(id), 0) AS id FROM run")
        return int(row["id"])

    async def runs_pass_nothing(self, known: int) -> None:
        """What those begun since have taken is older than all that is held."""
        passed = await self.rows(
            "SELECT d.seq FROM delivery d JOIN delivery held"
            " ON held.webhook = d.webhook AND held.seq < d.seq"
            " WHERE d.run > :known AND held.state = 'held'",
            known=known,
        )
        assert passed == []

    def rate_must_hold(self) -> None:
        """In any span no more than the rate allows, and a second's worth at once."""
        for calls in self.rated.values():
            for place, begun in enumerate(calls):
                span = (self.now - begun).total_seconds()
                assert len(calls) - place <= RATE * span + RATE + 0.001

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with reading() as db:
            return list(await db.fetch(sql, **values))
