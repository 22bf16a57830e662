"""Calls in a webhook's name: with its access token, or behind its certificate."""

import ssl
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

import msgspec

from callboard.auth.oauth2 import NoToken, Token
from callboard.auth.settings import bearer
from callboard.delivery.calls.request import Call
from callboard.delivery.calls.sender import Sender
from callboard.delivery.calls.targets import Target
from callboard.delivery.calls.tls import Contexts
from callboard.delivery.calls.tokens import Tokens
from callboard.outcome import ErrorClass, Outcome

_UNAUTHORIZED = 401


class Caller:
    """Remembers tokens and certificates for as long as it lives."""

    def __init__(self, sender: Sender, clock: Callable[[], float] = monotonic) -> None:
        self._sender = sender
        self._tokens = Tokens(sender, clock)
        self._contexts = Contexts()

    def call(self, target: Target, call: Call) -> Coroutine[Any, Any, Outcome]:
        """As `Sender.send`; what has to be had first counts in the call's own time."""
        match target.auth.type:
            case "oauth2":
                return self._with_token(target, call)
            case "mtls":
                return self._with_certificate(target, call)
        return self._sender.send(call)

    async def _with_token(self, target: Target, call: Call) -> Outcome:
        """A token that the receiver refuses is renewed once."""
        budget = _Budget(call.timeout)
        token = await self._tokens.get(target, budget.left)
        waited = budget.gone
        if isinstance(token, NoToken):
            return Outcome(error=ErrorClass.TOKEN, detail=_why(token), seconds=waited)
        outcome = await self._show(token, call, budget)
        if outcome.status == _UNAUTHORIZED and budget.left > 0:
            asked = budget.gone
            newer = await self._tokens.get(target, budget.left, spent=token)
            waited += budget.gone - asked
            if isinstance(newer, NoToken):
                outcome = msgspec.structs.replace(outcome, detail=_why(newer))
            else:
                outcome = await self._show(newer, call, budget)
        phases = {"token": round(waited * 1000, 2)} | outcome.phases_ms
        return msgspec.structs.replace(outcome, phases_ms=phases, seconds=budget.gone)

    async def _show(self, token: Token, call: Call, budget: "_Budget") -> Outcome:
        header = ("Authorization", bearer(token.text))
        shown = msgspec.structs.replace(
            call, headers=(*call.headers, header), timeout=budget.left
        )
        return await self._sender.send(shown)

    async def _with_certificate(self, target: Target, call: Call) -> Outcome:
        budget = _Budget(call.timeout)
        try:
            tls = await self._contexts.get(target)
        except (ValueError, ssl.SSLError):
            why = "The client certificate cannot be used: bring it again."
            return Outcome(error=ErrorClass.REQUEST, detail=why, seconds=budget.gone)
        call = msgspec.structs.replace(call, timeout=budget.left)
        outcome = await self._sender.send(call, tls)
        detail = outcome.detail
        if outcome.error is ErrorClass.RESET and outcome.status is None:
            # In TLS 1.3 a refusal comes after the handshake, often as just that.
            detail += " Perhaps the receiver refuses the client certificate."
        return msgspec.structs.replace(outcome, detail=detail, seconds=budget.gone)


class _Budget:
    """The wall-clock time that a call has, and what of it is gone."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begun = monotonic()

    @property
    def gone(self) -> float:
        return monotonic() - self._begun

    @property
    def left(self) -> float:
        return self._seconds - self.gone


def _why(none: NoToken) -> str:
    return f"No access token: {none}"
