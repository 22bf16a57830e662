"""Scheduled runs: a run makes due what it takes, and the claim does the rest.

A delivery of a webhook with a schedule is pending without a due time until a run takes
it, and again after a try that failed. Locks come in this order: schedule, turn,
deliveries.
"""

from callboard.delivery.runs.aligning import align, misplaced
from callboard.delivery.runs.ending import ended, finish
from callboard.delivery.runs.planned import Wanted, count_waiting, of_webhook, wanted
from callboard.delivery.runs.starting import start
from callboard.delivery.runs.superseding import STEP, supersede

__all__ = [
    "STEP",
    "Wanted",
    "align",
    "count_waiting",
    "ended",
    "finish",
    "misplaced",
    "of_webhook",
    "start",
    "supersede",
    "wanted",
]
