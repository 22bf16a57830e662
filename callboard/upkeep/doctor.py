"""What is wrong with a Callboard, a sentence each: its settings, servers and ledger."""

import asyncio
import socket
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from callboard.config import Settings
from callboard.database import AWAY, Clock, check_schema, opened_database
from callboard.egress.policy import EgressPolicy
from callboard.queue import open_queue
from callboard.upkeep import check, expiring, resealing
from callboard.vault import Vault


async def examine(settings: Settings, knows_redis: bool = True) -> list[str]:
    """Empty when all is well. `knows_redis`: somebody has said where it is."""
    return [
        *_public_url(settings),
        *await _destinations(settings),
        *(await _redis(settings) if knows_redis else ()),
        *await _database(settings),
    ]


def _public_url(settings: Settings) -> list[str]:
    if not _is_loopback(_host_of(settings.public_url)) or _is_loopback(settings.host):
        return []
    return [
        f"PUBLIC_URL is {settings.public_url}, which only this machine can open, but"
        f" HOST is {settings.host}: links in mails would lead nowhere."
    ]


async def _destinations(settings: Settings) -> list[str]:
    """The ports of our own servers are closed to webhooks, their neighbours' not."""
    policy = EgressPolicy(settings.allow_destinations, settings.deny_destinations)
    servers = {"database": settings.database_url, "Redis": settings.redis_url}
    return [
        f"ALLOW_DESTINATIONS opens the network of the {name} ({host}) to webhooks:"
        " allow only the hosts that receive them."
        for name, url in servers.items()
        if (host := _host_of(url)) and await _is_opened(policy, host)
    ]


async def _is_opened(policy: EgressPolicy, host: str) -> bool:
    """Only what ALLOW_DESTINATIONS opened: public addresses are open anyway."""
    closed = EgressPolicy(deny=policy.deny)
    return any(
        closed.refuse(address, host) and not policy.refuse(address, host)
        for address in await _addresses(host)
    )


async def _addresses(host: str) -> set[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return set()
    inet = (socket.AF_INET, socket.AF_INET6)
    return {str(each[4][0]).partition("%")[0] for each in found if each[0] in inet}


async def _redis(settings: Settings) -> list[str]:
    queue = open_queue(settings.redis_url)
    try:
        if await queue.ping():
            return []
    finally:
        await queue.close()
    return ["Redis does not answer at REDIS_URL: deliveries begin a second later each."]


async def _database(settings: Settings) -> list[str]:
    try:
        async with opened_database():
            if missing := await check_schema():
                return [
                    f"The database lacks {len(missing)} migrations:"
                    " run callboard migrate."
                ]
            clock = Clock()
            await clock.set()
            now = clock()
            return [
                *[_sentence(finding) for finding in await check.ledger(now)],
                *await _secrets(settings),
                *expiring.sentences(await expiring.endings(now), now),
            ]
    except AWAY as problem:
        return [f"The database does not answer: {problem}"]


async def _secrets(settings: Settings) -> list[str]:
    """What keeps an old key from being thrown away, or was lost with one."""
    found = await resealing.look(Vault(settings.secret_keys))
    sentences = []
    if found.old:
        sentences.append(
            f"Secrets of webhooks under an older key of SECRET_KEY: {found.old}."
            " Run callboard reseal before you take that key away."
        )
    if found.lost:
        sentences.append(
            "Secrets of webhooks that no key in SECRET_KEY opens:"
            f" {len(found.lost)}, such as that of {found.lost[0]}."
            " Add the key that sealed them behind the others."
        )
    return sentences


def _sentence(finding: check.Finding) -> str:
    return (
        f"The ledger has {finding.count} {finding.what},"
        f" such as {', '.join(finding.examples)}."
    )


def _host_of(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme in ("sqlite", "unix"):
        return ""
    named = parse_qs(parts.query).get("host", [""])[0]
    host = named or parts.hostname or ""
    return "" if host.startswith("/") else host


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
