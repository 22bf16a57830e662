"""The workers that live share out how often a host is called."""

import asyncio
from random import Random

import pytest

from callboard.database import reading
from callboard.delivery.calls.targets import Targets
from callboard.delivery.hosts import MOST_PER_HOST, Hosts, share_of
from callboard.delivery.states import Lane
from callboard.delivery.workers import Watch, bury
from callboard.egress.addresses import one_spelling
from tests.engine import Engine
from tests.make import NOW

HOST = "r.example"


@pytest.mark.parametrize(
    ("workers", "others", "share"),
    [
        pytest.param(1, 0, 256, id="alone"),
        pytest.param(2, 256, 0, id="the other has to shrink first"),
        pytest.param(2, 128, 128, id="it has"),
        pytest.param(2, 200, 56, id="it cannot quite yet"),
        pytest.param(3, 170, 85, id="three"),
        pytest.param(300, 256, 0, id="more than calls"),
        pytest.param(2, 300, 0, id="never below nothing"),
    ],
)
def test_each_gets_an_even_part_of_what_is_free(workers: int, others: int, share: int):
    assert share_of(workers, others) == share


async def test_it_is_one_host_however_a_url_spells_it(engine: Engine):
    port = engine.receiver.url.rpartition(":")[2]
    names = ("localhost", "LocalHost", "localhost.", "127.0.0.1")
    urls = {await engine.webhook(url=f"http://{name}:{port}/"): name for name in names}
    targets = Targets(engine.runtime.vault)
    await targets.load([(webhook, 1) for webhook in urls])
    assert {targets[webhook].host for webhook in urls} == {"localhost", "127.0.0.1"}


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("[::1]", "::1"),
        ("[0:0:0::0001]", "::1"),
        ("[::ffff:192.0.2.1]", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("..", ".."),
    ],
)
def test_an_address_has_one_spelling(written: str, host: str):
    assert one_spelling(written) == host


def test_it_shrinks_at_once_and_tells_of_what_is_under_way_still():
    hosts = Hosts(share=10)
    for _ in range(6):
        hosts.enter(HOST, Lane.EXPRESS)
    assert hosts.shrink(4) == 6
    assert not hosts.have_room(HOST, Lane.EXPRESS)
    hosts.leave(HOST, Lane.EXPRESS)
    assert hosts.shrink(4) == 5
    assert hosts.shrink(20) == 20
    assert hosts.share == 4  # it grows when the others have been told


@pytest.mark.parametrize(("share", "most"), [(9, 4), (2, 1), (1, 1), (0, 0)])
def test_half_of_it_is_for_calls_that_are_not_quick(share: int, most: int):
    hosts, entered = Hosts(share=share), 0
    while hosts.have_room(HOST, Lane.PATIENT):
        hosts.enter(HOST, Lane.PATIENT)
        entered += 1
    assert entered == most


def test_a_call_that_turns_slow_counts_among_them_until_it_ends():
    hosts = Hosts(share=4)
    hosts.enter(HOST, Lane.EXPRESS)
    hosts.slow_down(HOST)
    assert hosts.have_room(HOST, Lane.PATIENT)
    hosts.enter(HOST, Lane.PATIENT)
    assert not hosts.have_room(HOST, Lane.PATIENT)
    hosts.leave(HOST, Lane.PATIENT)
    assert hosts.have_room(HOST, Lane.PATIENT)


class Crowd:
    """Workers that come, call one host as often as they may, and go."""

    def __init__(self) -> None:
        self.number = 0
        self.workers: dict[str, tuple[Watch, Hosts]] = {}
        self.calls: dict[str, int] = {}

    def come(self) -> None:
        self.number += 1
        hosts = Hosts()
        name = f"wrk_{self.number}"
        self.workers[name] = Watch(name, hosts), hosts
        self.calls[name] = 0

    async def go(self, name: str) -> None:
        del self.workers[name], self.calls[name]
        await bury(name, NOW)

    async def beat(self, *names: str) -> None:
        await asyncio.gather(*(self.workers[name][0].beat(NOW) for name in names))

    def call(self) -> None:
        for name, (_, hosts) in self.workers.items():
            while hosts.have_room(HOST, Lane.EXPRESS):
                hosts.enter(HOST, Lane.EXPRESS)
                self.calls[name] += 1

    def end(self, name: str, calls: int) -> None:
        for _ in range(min(calls, self.calls[name])):
            self.workers[name][1].leave(HOST, Lane.EXPRESS)
            self.calls[name] -= 1


@pytest.mark.parametrize("seed", range(4))
async def test_whoever_comes_and_goes_a_host_is_never_called_too_often(
    db: None, seed: int
):
    crowd, rng = Crowd(), Random(seed)  # noqa: S311
    for _ in range(40):
        names = list(crowd.workers)
        match rng.choice(("come", "go", "beat", "beat", "end")):
            case "come" if len(names) < 5:
                crowd.come()
            case "go" if names:
                await crowd.go(rng.choice(names))
            case "beat":
                await crowd.beat(*rng.sample(names, rng.randint(0, len(names))))
            case "end" if names:
                crowd.end(rng.choice(names), rng.randint(1, 200))
        crowd.call()
        assert sum(crowd.calls.values()) <= MOST_PER_HOST
    crowd.come()
    for name in crowd.workers:
        crowd.end(name, MOST_PER_HOST)
    for name in [*crowd.workers] * 3:
        await crowd.beat(name)
    even = MOST_PER_HOST // len(crowd.workers)
    assert {hosts.share for _, hosts in crowd.workers.values()} == {even}


async def test_one_that_is_never_idle_makes_room_for_another(db: None):
    crowd = Crowd()
    crowd.come()
    await crowd.beat("wrk_1")
    crowd.come()
    for _ in range(4):
        crowd.call()
        await crowd.beat("wrk_2")
        await crowd.beat("wrk_1")
        crowd.end("wrk_1", 200)
    crowd.call()
    assert crowd.calls == {"wrk_1": MOST_PER_HOST // 2, "wrk_2": MOST_PER_HOST // 2}


async def test_one_that_stands_still_takes_no_share_for_long(db: None):
    time = 0.0
    await Watch("wrk_still", Hosts()).beat(NOW)
    hosts = Hosts()
    watch = Watch("wrk_new", hosts, time=lambda: time)
    shares = []
    for _ in range(5):
        await watch.beat(NOW)
        shares.append(hosts.share)
        time += 1
    assert shares == [0, 0, 0, MOST_PER_HOST, MOST_PER_HOST]


async def test_who_has_no_share_yet_claims_nothing(engine: Engine):
    await engine.webhook()
    await engine.post()
    await Watch("wrk_old", Hosts()).beat(engine.runtime.clock())
    pump = engine.pump("wrk_new")
    await Watch("wrk_new", pump.hosts).beat(engine.runtime.clock())
    await pump.look()
    async with reading() as connected:
        leased = "SELECT 1 FROM delivery WHERE lease IS NOT NULL"
        assert await connected.fetch(leased) == []
    for worker in ("wrk_old", "wrk_new"):
        await bury(worker, engine.runtime.clock())
    async with engine.working():
        await engine.settled()
