"""Test calls and previews as JSON."""

from typing import Self

import msgspec

from callboard.insight.trial import Preview, Trial
from callboard.matching.verdict import Verdict
from web.api.delivery_shapes import PhasesOut, RequestOut, ResponseOut
from web.api.shapes import json_text, null, text


class TestIn(msgspec.Struct, forbid_unknown_fields=True):
    """By default a type that the webhook listens to, and that type's sample."""

    __test__ = False  # for pytest, which goes by the name

    type: str | None = None
    data: msgspec.Raw = msgspec.field(default_factory=null)

    def data_text(self) -> str | None:
        return json_text(self.data)


class PreviewIn(msgspec.Struct, forbid_unknown_fields=True):
    """`event`: the id of one that came, instead of a type's sample."""

    type: str | None = None
    event: str | None = None


class CallPreviewOut(msgspec.Struct):
    """`request` as it would be sent; where a placeholder has no fitting value, `why`
    says which, and the URL is as it was written."""

    request: RequestOut
    passes: bool
    why: str

    @classmethod
    def of(cls, made: Preview, verdict: Verdict) -> Self:
        problem = made.call.problem
        fine = verdict.passes and not problem
        return cls(sent(made), fine, problem or verdict.why)


class OutcomeOut(msgspec.Struct):
    """`passed`: it was a success by the webhook's own rule."""

    passed: bool
    status: int | None
    error: str | None
    detail: str
    seconds: float
    phases_ms: PhasesOut


class TrialOut(msgspec.Struct):
    request: RequestOut
    response: ResponseOut | None
    outcome: OutcomeOut

    @classmethod
    def of(cls, made: Trial) -> Self:
        got = made.outcome
        return cls(
            request=sent(made.preview),
            response=None
            if got.status is None
            else ResponseOut(got.headers, text(got.body), got.truncated),
            outcome=OutcomeOut(
                passed=made.passed,
                status=got.status,
                error=got.error,
                detail=got.detail,
                seconds=got.seconds,
                phases_ms=msgspec.convert(got.phases_ms, PhasesOut),
            ),
        )


def sent(preview: Preview) -> RequestOut:
    call = preview.call
    return RequestOut(call.method, call.url, preview.headers, text(call.body))
