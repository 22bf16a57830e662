from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from callboard.accounts.actor import Actor
from callboard.delivery import runs
from callboard.errors import NotFound
from callboard.webhooks import webhooks
from web.api.schedule_shapes import RanOut, RunsOut
from web.security import Running


class RunsController(Controller):
    path = "/webhooks/{id:str}"
    tags = ("Webhooks",)

    @get("/runs")
    async def show(self, account: NamedDependency[str], id: FromPath[str]) -> RunsOut:
        """When the next scheduled run is, and what came of the last one; 404 where
        the webhook delivers at once."""
        await webhooks.get(account, id)
        found = await runs.timetable(id)
        if found is None:
            raise NotFound("This webhook delivers at once: it has no runs.")
        return RunsOut.of(found)

    @post("/run", status_code=200)
    async def run(
        self, by: NamedDependency[Actor], runtime: Running, id: FromPath[str]
    ) -> RanOut:
        """A run now; the next one comes when it was planned. 409 while one is under
        way."""
        taken = await runs.run_now(by, id)
        runtime.queue.ring()
        return RanOut(taken)
