"""Access tokens: asked for like any call goes out, kept until shortly before their end.

One belongs to one version of one webhook; calls that need it at once share the asking.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from callboard.auth import oauth2
from callboard.auth.oauth2 import Grant, NoToken, Token
from callboard.delivery.calls.request import USER_AGENT, Call
from callboard.delivery.calls.sender import Sender
from callboard.delivery.calls.sharing import Shared
from callboard.delivery.calls.targets import Target
from callboard.outcome import Outcome

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Kept:
    version: int
    token: Token
    until: float


class Tokens:
    def __init__(self, sender: Sender, clock: Callable[[], float] = monotonic) -> None:
        self._sender = sender
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._asking: Shared[tuple[str, int], Token | NoToken] = Shared()

    async def get(
        self, target: Target, within: float, spent: Token | None = None
    ) -> Token | NoToken:
        """`spent`: the receiver took this one no longer, so it must be another."""
        kept = self._usable(target)
        if kept is not None and kept is not spent:
            return kept
        key = target.webhook, target.version
        try:
            async with asyncio.timeout(within):
                return await self._asking.get(key, lambda: self._ask(target))
        except TimeoutError:
            return NoToken("There was no complete answer in time.")

    def _usable(self, target: Target) -> Token | None:
        kept = self._kept.get(target.webhook)
        if kept is None or kept.version != target.version:
            return None
        return kept.token if self._clock() < kept.until else None

    async def _ask(self, target: Target) -> Token | NoToken:
        grant = Grant.of(target.auth)
        headers, body = oauth2.question(grant)
        headers += (("User-Agent", USER_AGENT),)
        call = Call("POST", grant.token_url, headers, body, target.timeout)
        asked = self._clock()
        try:
            token = _read(await self._sender.send(call))
        except NoToken as error:
            return error
        self._keep(target, token, asked)
        return token

    def _keep(self, target: Target, token: Token, asked: float) -> None:
        if len(self._kept) >= _REMEMBERED:
            self._kept.clear()
        self._kept[target.webhook] = _Kept(target.version, token, asked + token.life)


def _read(outcome: Outcome) -> Token:
    if outcome.error is not None or outcome.status is None:
        # The sentences are written for receivers; here the token server is one.
        raise NoToken(outcome.detail.replace("The receiver", "The token server"))
    if outcome.truncated and outcome.status == 200:
        raise NoToken("The token server's answer is too long for a token.")
    return oauth2.read_token(outcome.status, outcome.body)
