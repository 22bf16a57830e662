"""Tries that all web processes count together, in Redis.

A window begins with a key's first try. While Redis is away nothing is refused here:
then the count of each process has to do.
"""

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

_PATIENCE = 0.5  # somebody waits to be let in
_AWAY = (RedisError, OSError, TimeoutError)
_COUNT = """
for place, key in ipairs(KEYS) do
  local most = tonumber(ARGV[place + 1])
  if tonumber(redis.call('GET', key) or 0) >= most then return 0 end
end
for _, key in ipairs(KEYS) do
  if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, ARGV[1]) end
end
return 1
"""
_FORGIVE = """
for place, key in ipairs(KEYS) do
  if place <= tonumber(ARGV[1]) then redis.call('DEL', key)
  elseif tonumber(redis.call('GET', key) or 0) > 0 then redis.call('DECR', key) end
end
"""


class SharedTries:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._count = redis.register_script(_COUNT)
        self._forgive = redis.register_script(_FORGIVE)

    async def count(self, limits: Mapping[Hashable, int], span: timedelta) -> bool:
        """False, and nothing is counted, if one key has had its fill."""
        milliseconds = round(span.total_seconds() * 1000)
        try:
            found = await self._count(
                keys=_names(limits), args=[milliseconds, *limits.values()]
            )
        except _AWAY:
            return True
        return bool(found)

    async def forgive(
        self, forgotten: Sequence[Hashable], taken_back: Sequence[Hashable]
    ) -> None:
        """The latest try was a good one: all of some keys are forgotten, and that one
        of the others."""
        keys = _names([*forgotten, *taken_back])
        try:
            await self._forgive(keys=keys, args=[len(forgotten)])
        except _AWAY:
            return

    async def close(self) -> None:
        await self._redis.aclose()


def open_tries(url: str) -> SharedTries:
    """Connects when it is first used."""
    redis = Redis.from_url(
        url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE
    )
    return SharedTries(redis)


def _names(keys: Sequence[Hashable] | Mapping[Hashable, int]) -> list[str]:
    """Nobody's address stands in Redis."""
    return [
        f"callboard:tries:{hashlib.sha256(repr(key).encode()).hexdigest()}"
        for key in keys
    ]
