import msgspec
from litestar import get, put
from litestar.di import NamedDependency

from callboard.accounts.actor import Actor
from callboard.webhooks import defaults
from callboard.webhooks.defaults import Defaults
from callboard.webhooks.recipients import DEFAULT_NOTIFY
from web.api import bodies
from web.errors import AnyRequest
from web.security import Running


class DefaultsIn(msgspec.Struct, forbid_unknown_fields=True):
    """What is left out goes back to what it was before anybody set it."""

    hold_days: int | msgspec.UnsetType = msgspec.UNSET
    deactivate_after: int | None = 1
    recipients: tuple[str, ...] = ()
    notify: tuple[str, ...] = DEFAULT_NOTIFY

    def to_defaults(self, hold_days: int) -> Defaults:
        days = hold_days if self.hold_days is msgspec.UNSET else self.hold_days
        return Defaults(days, self.deactivate_after, self.recipients, self.notify)


@get("/defaults", tags=["Webhooks"])
async def show_defaults(account: NamedDependency[str], runtime: Running) -> Defaults:
    """What a new webhook takes where it is not told otherwise."""
    return await defaults.of_account(account, runtime.settings.hold_days)


@put("/defaults", tags=["Webhooks"], opt={"takes": DefaultsIn})
async def set_defaults(
    request: AnyRequest, by: NamedDependency[Actor], runtime: Running
) -> Defaults:
    """For new webhooks; those that there are stay as they are."""
    days = runtime.settings.hold_days

    async def judge(given: DefaultsIn) -> None:
        await defaults.check(by.account, given.to_defaults(days))

    given = await bodies.take_judged(request, DefaultsIn, judge, {})
    new = given.to_defaults(days)
    return await defaults.change(by, new)
