"""Scheduled runs: a run makes due what it takes, and the claim does the rest.

A delivery of a webhook with a schedule is pending without a due time until a run takes
it, and again after a try that failed. Locks come in this order: schedule, turn,
deliveries.
"""

from callboard.delivery.runs.reading import Report, Timetable, timetable
from callboard.delivery.runs.running import look, mend, run_now

__all__ = ["Report", "Timetable", "look", "mend", "run_now", "timetable"]
