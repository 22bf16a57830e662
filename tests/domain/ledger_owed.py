"""What the rule owes: deliveries that failed for good and must be held in the end."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from callboard.delivery.ledger import Result
from callboard.health.tracker import Sign


@dataclass
class Owed:
    """`lost`: what failed since a webhook's last success, `good`; `by_seq`: what is to
    be held, by its webhook."""

    lost: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    good: dict[str, datetime] = field(default_factory=dict)
    by_seq: dict[int, str] = field(default_factory=dict)

    def note(self, result: Result, hook: dict[str, Any], signs: Sequence[Sign]) -> None:
        """What failed since the last success, when the rule stops its webhook, which a
        410 makes it do; and what was under way then."""
        id = result.claimed.webhook
        if result.state == "delivered":
            self.good[id] = max(self.good.get(id, result.ended_at), result.ended_at)
            self.lost[id].clear()
        if not hook["hold_days"]:
            return
        if result.state == "failed":
            self._note_loss(result, hook, signs)
        if Sign.DEACTIVATE in signs:
            self.by_seq |= dict.fromkeys(self.lost.pop(id, ()), id)

    def _note_loss(
        self, result: Result, hook: dict[str, Any], signs: Sequence[Sign]
    ) -> None:
        id, seq = result.claimed.webhook, result.claimed.seq
        late = hook["cause"] or (hook["verdict"] and Sign.DEACTIVATE not in signs)
        if late or (
            hook["state"] == "active" and result.started_at < hook["state_since"]
        ):
            self.by_seq[seq] = id
        elif id not in self.good or result.ended_at > self.good[id]:
            self.lost[id].add(seq)

    def delete(self, webhook: str) -> None:
        self.by_seq = {seq: id for seq, id in self.by_seq.items() if id != webhook}

    def settle(self, states: dict[int, str]) -> None:
        """What is held now is owed no more."""
        owed = self.by_seq.items()
        self.by_seq = {seq: id for seq, id in owed if states[seq] == "failed"}
