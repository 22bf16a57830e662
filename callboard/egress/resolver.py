"""Looks names up and judges every answer before anybody may connect."""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import aiodns
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from callboard.egress.addresses import LOOPBACKS
from callboard.egress.failures import NameNotFound, Refused
from callboard.egress.policy import EgressPolicy, is_localhost

Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""All addresses of a name; raises OSError where there is none."""

KEEP_ANSWER = 30.0
KEEP_FAILURE = 5.0
MOST_NAMES = 4096
MOST_ADDRESSES = 16


@dataclass(frozen=True, slots=True)
class _Answer:
    addresses: tuple[str, ...] = ()
    refusal: str = ""
    problem: str = ""


class GuardedResolver(AbstractResolver):
    """A name with one forbidden address among its answers is refused as a whole.

    Questions about the same name share one look-up, which no caller's time-out
    cancels; answers are kept 30 s whatever their TTL, failures 5 s.
    """

    def __init__(self, policy: EgressPolicy, lookup: Lookup | None = None) -> None:
        self._policy = policy
        self._system = SystemLookup()
        self._lookup = lookup or self._system
        self._kept: OrderedDict[str, tuple[float, _Answer]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[_Answer]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        answer = self._remembered(host) or await self._shared(host)
        if answer.refusal:
            raise Refused(f"{answer.refusal}.")
        if answer.problem:
            raise NameNotFound(answer.problem)
        return [_result(host, address, port) for address in answer.addresses]

    async def close(self) -> None:
        for task in self._asking.values():
            task.cancel()
        await self._system.close()

    def _remembered(self, host: str) -> _Answer | None:
        until, answer = self._kept.get(host, (0.0, None))
        return answer if until > monotonic() else None

    async def _shared(self, host: str) -> _Answer:
        task = self._asking.get(host)
        if task is None:
            task = self._asking[host] = asyncio.create_task(self._ask(host))
            task.add_done_callback(lambda _: self._asking.pop(host, None))
        return await asyncio.shield(task)

    async def _ask(self, host: str) -> _Answer:
        answer = await self._answer(host)
        kept = KEEP_FAILURE if answer.problem else KEEP_ANSWER
        self._kept[host] = (monotonic() + kept, answer)
        self._kept.move_to_end(host)
        if len(self._kept) > MOST_NAMES:
            self._kept.popitem(last=False)
        return answer

    async def _answer(self, host: str) -> _Answer:
        if is_localhost(host.removesuffix(".").lower()):
            return self._localhost(host)
        try:
            addresses = await self._lookup(host)
        except (OSError, ValueError):
            return _Answer(problem=f"The name {host} could not be found.")
        return self._judged(host, addresses)

    def _judged(self, host: str, addresses: Sequence[str]) -> _Answer:
        for address in addresses:
            if refusal := self._policy.refuse(address, host):
                return _Answer(refusal=refusal)
        if not addresses:
            return _Answer(problem=f"The name {host} has no address.")
        return _Answer(tuple(addresses[:MOST_ADDRESSES]))

    def _localhost(self, host: str) -> _Answer:
        """Both loopbacks are always its answers, so the permitted ones serve."""
        verdicts = {str(a): self._policy.refuse(a, host) for a in LOOPBACKS}
        if open_ones := [a for a, refusal in verdicts.items() if refusal is None]:
            return _Answer(tuple(open_ones))
        return _Answer(refusal=next(filter(None, verdicts.values())))


class SystemLookup:
    """c-ares, which reads /etc/hosts first and needs no threads.

    Where it cannot start (no inotify watch, no configuration), the system's own
    look-up serves, slower.
    """

    def __init__(self) -> None:
        self._resolver: aiodns.DNSResolver | None = None
        self._slow: ThreadedResolver | None = None

    async def __call__(self, name: str) -> list[str]:
        if self._resolver is None and self._slow is None:
            self._start()
        if self._resolver is None:
            return await self._ask_system(name)
        try:
            found = await self._resolver.getaddrinfo(
                name, family=socket.AF_UNSPEC, type=socket.SOCK_STREAM
            )
        except aiodns.error.DNSError as error:
            raise OSError("look-up failed") from error
        return [node.addr[0].decode() for node in found.nodes]

    async def close(self) -> None:
        if self._resolver is not None:
            await self._resolver.close()

    def _start(self) -> None:
        try:
            self._resolver = aiodns.DNSResolver(timeout=2.0, tries=2)
        except (aiodns.error.DNSError, OSError, RuntimeError):
            self._slow = ThreadedResolver()

    async def _ask_system(self, name: str) -> list[str]:
        assert self._slow is not None
        found = await self._slow.resolve(name, family=socket.AF_UNSPEC)
        return [result["host"] for result in found]


def _result(host: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
