from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath

from callboard.accounts.actor import Actor
from callboard.replays import progress, replays
from web.api import bodies, queries
from web.api.replay_shapes import PreviewOut, ReplayIn, ReplayOut, ReplaysAsked
from web.api.shapes import Paged
from web.errors import AnyRequest
from web.security import Running


class ReplaysController(Controller):
    path = "/replays"
    tags = ("Replays",)

    @get("/", opt={"asks": ReplaysAsked})
    async def list_replays(
        self, request: AnyRequest, account: NamedDependency[str]
    ) -> Paged[ReplayOut]:
        """Newest first."""
        asked = queries.take(request, ReplaysAsked)
        page = await progress.page(account, asked.webhook, asked.cursor, asked.limit)
        return Paged([ReplayOut.of(view) for view in page.items], page.next)

    @post(
        "/",
        opt={"takes": ReplayIn},
        responses={
            200: ResponseSpec(PreviewOut, description="With dry_run: the count."),
            201: ResponseSpec(ReplayOut, description="The replay has begun."),
        },
    )
    async def start(
        self, request: AnyRequest, by: NamedDependency[Actor], runtime: Running
    ) -> Response[ReplayOut | PreviewOut]:
        """Makes the selected deliveries again as one job; with dry_run it only counts
        them and shows the first five (200). 409 while another one to the webhook is
        under way."""
        keep = runtime.settings.retention

        async def judge(asked: ReplayIn) -> None:
            await replays.check(by.account, asked.to_command(), keep, by.now)

        nothing = {"webhook": ""}
        asked = await bodies.take_judged(request, ReplayIn, judge, nothing)
        wanted = asked.to_command()
        if asked.dry_run:
            preview = await replays.preview(by.account, wanted, keep, by.now)
            return Response(PreviewOut.of(preview), status_code=200)
        view = await replays.start(by, wanted, keep)
        runtime.queue.replay()
        return Response(ReplayOut.of(view), status_code=201)

    @get("/{id:str}")
    async def show(self, account: NamedDependency[str], id: FromPath[str]) -> ReplayOut:
        return ReplayOut.of(await progress.get(account, id))

    @post("/{id:str}/pause", status_code=200)
    async def pause(self, by: NamedDependency[Actor], id: FromPath[str]) -> ReplayOut:
        """Nothing more is made; what was made already goes on."""
        return ReplayOut.of(await replays.pause(by, id))

    @post("/{id:str}/resume", status_code=200)
    async def resume(
        self, by: NamedDependency[Actor], runtime: Running, id: FromPath[str]
    ) -> ReplayOut:
        view = await replays.resume(by, id)
        runtime.queue.replay()
        return ReplayOut.of(view)

    @post("/{id:str}/cancel", status_code=200)
    async def cancel(self, by: NamedDependency[Actor], id: FromPath[str]) -> ReplayOut:
        """What was made and waits is cancelled, too; calls under way end."""
        return ReplayOut.of(await replays.cancel(by, id))
