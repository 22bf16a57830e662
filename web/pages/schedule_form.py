"""The part of a webhook's form that says when deliveries go out."""

from dataclasses import dataclass
from typing import Self

from callboard.schedule import Schedule
from web.pages import forms


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleForm:
    """The numbers count with the mode schedule only."""

    delivery_mode: str = "immediate"
    delivery_every_minutes: str = ""
    delivery_batch_size: str = ""
    delivery_bucket_size: str = ""
    delivery_latest_only: bool = False

    def to_schedule(self) -> Schedule | None:
        if self.delivery_mode != "schedule":
            return None
        return Schedule(
            every_minutes=forms.whole(self.delivery_every_minutes),
            batch_size=forms.whole(self.delivery_batch_size),
            bucket_size=forms.whole(self.delivery_bucket_size),
            latest_only=self.delivery_latest_only,
        )

    @classmethod
    def of(cls, delivery: Schedule | None) -> Self:
        shown = delivery or Schedule()
        return cls(
            delivery_mode="schedule" if delivery else "immediate",
            delivery_every_minutes=str(shown.every_minutes),
            delivery_batch_size=str(shown.batch_size),
            delivery_bucket_size=str(shown.bucket_size),
            delivery_latest_only=shown.latest_only,
        )
