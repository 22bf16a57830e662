from datetime import timedelta

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from callboard.accounts.actor import Actor
from callboard.accounts.keys import Scope
from callboard.insight import verifying
from callboard.webhooks import rotation, webhooks
from web.api import bodies
from web.api.signing_shapes import (
    KeysOut,
    RotatedOut,
    RotateIn,
    SecretsOut,
    VerifiedOut,
    VerifyIn,
    keys_of,
)
from web.errors import AnyRequest
from web.security import Running

_LARGEST_CALL = 2 * 1024 * 1024


class WebhookKeysController(Controller):
    path = "/webhooks/{id:str}/keys"
    tags = ("Webhooks",)

    @get("/")
    async def show(
        self, account: NamedDependency[str], runtime: Running, id: FromPath[str]
    ) -> KeysOut:
        """What signs its calls; of a shared secret only that it is there."""
        return KeysOut.of(await webhooks.get(account, id), runtime.clock())

    @post("/rotate", status_code=200, opt={"takes": RotateIn, "body": "optional"})
    async def rotate(
        self,
        request: AnyRequest,
        by: NamedDependency[Actor],
        runtime: Running,
        id: FromPath[str],
    ) -> RotatedOut:
        """A new key; the old one signs beside it for a while."""

        async def judge(asked: RotateIn) -> timedelta:
            hours, brought = asked.overlap_hours, asked.secret
            return await rotation.overlap_of(by.account, id, hours, brought)

        wanted = await bodies.take_judged(request, RotateIn, judge, {}, if_none=b"{}")
        until = by.now + await judge(wanted)
        secret = await rotation.rotate(by, id, runtime.vault, until, wanted.secret)
        newest, *_ = keys_of(await webhooks.get(by.account, id), by.now)
        return RotatedOut(secret, until, newest)

    @post("/end-overlap", status_code=200)
    async def end_overlap(
        self, by: NamedDependency[Actor], id: FromPath[str]
    ) -> KeysOut:
        """From now on the newest key alone signs."""
        await rotation.end_overlap(by, id)
        return KeysOut.of(await webhooks.get(by.account, id), by.now)

    @post("/reveal", status_code=200)
    async def reveal(
        self, by: NamedDependency[Actor], runtime: Running, id: FromPath[str]
    ) -> SecretsOut:
        """The shared secrets once more; that they were read is kept in the audit log.

        Private keys never leave.
        """
        return SecretsOut(await rotation.reveal(by, id, runtime.vault))

    @post("/verify", status_code=200, opt={"takes": VerifyIn, "scope": Scope.READ})
    async def verify(
        self,
        request: AnyRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> VerifiedOut:
        """Why a call that somebody received passes the check, or does not."""
        row = await webhooks.get(account, id)
        call = await bodies.take(request, VerifyIn, _LARGEST_CALL)
        headers, body = [*call.headers.items()], call.body.encode()
        now = runtime.clock()
        steps = await verifying.verify(row, runtime.vault, headers, body, now)
        return VerifiedOut.of(steps)
