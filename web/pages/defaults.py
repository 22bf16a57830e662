from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.accounts import members
from callboard.accounts.actor import Actor
from callboard.errors import Invalid, Problem
from callboard.webhooks import defaults
from callboard.webhooks.defaults import Defaults
from web.pages import forms
from web.screens import elsewhere, screen
from web.security import MEMBERS, Running


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultsForm:
    """`recipients` are ticked, `addresses` typed."""

    hold_days: str = ""
    deactivate_after: str = ""
    recipients: tuple[str, ...] = ()
    addresses: str = ""
    notify: tuple[str, ...] = ()

    def to_defaults(self) -> Defaults:
        after = self.deactivate_after.strip()
        typed = forms.addresses(self.addresses)
        return Defaults(
            hold_days=forms.whole(self.hold_days),
            deactivate_after=forms.whole(after) if after else None,
            recipients=tuple(dict.fromkeys((*self.recipients, *typed))),
            notify=self.notify,
        )

    def placed(self, error: Invalid) -> list[Problem]:
        return [
            forms.placed(each, "recipients", self.recipients, "addresses")
            for each in error.problems
        ]

    @classmethod
    def of(cls, found: Defaults) -> Self:
        after = found.deactivate_after
        return cls(
            hold_days=str(found.hold_days),
            deactivate_after="" if after is None else str(after),
            recipients=tuple(each for each in found.recipients if "@" not in each),
            addresses="\n".join(each for each in found.recipients if "@" in each),
            notify=found.notify,
        )


class DefaultsController(Controller):
    path = "/settings/defaults"

    @get("/", opt=MEMBERS)
    async def show(
        self, request: HTMXRequest, account: NamedDependency[str], runtime: Running
    ) -> Template:
        found = await defaults.of_account(account, runtime.settings.hold_days)
        return await _form(request, account, DefaultsForm.of(found))

    @post("/")
    async def change(
        self, request: HTMXRequest, by: NamedDependency[Actor]
    ) -> Response[Any]:
        form = await forms.read(request, DefaultsForm)
        try:
            await defaults.change(by, form.to_defaults())
        except Invalid as error:
            return await _form(request, by.account, form, form.placed(error))
        return elsewhere(request, "/settings/defaults", "Saved.")


async def _form(
    request: HTMXRequest,
    account: str,
    form: DefaultsForm,
    problems: Sequence[Problem] = (),
) -> Template:
    return screen(
        request,
        "settings/defaults.html",
        "settings/defaults.html",
        status=422 if problems else 200,
        form=form,
        members=await members.listed(account),
        problems=problems,
    )
