from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from callboard.catalogue import event_types
from callboard.delivery import reading
from callboard.delivery.calls.targets import read_target
from callboard.errors import Invalid, invalid
from callboard.insight import explanation, trial
from callboard.matching.patterns import unknown_type
from callboard.matching.subject import Subject
from callboard.webhooks import webhooks
from callboard.webhooks.settings import settings_of
from callboard.webhooks.tables import Webhook
from web.api import bodies
from web.api.trial_shapes import CallPreviewOut, PreviewIn, TestIn, TrialOut
from web.errors import AnyRequest
from web.security import Running


class TrialsController(Controller):
    path = "/webhooks/{id:str}"
    tags = ("Webhooks",)

    @post("/test", status_code=200, opt={"takes": TestIn, "body": "optional"})
    async def test(
        self,
        request: AnyRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> TrialOut:
        """One real call, now, with a sample; it counts for nothing."""
        row = await webhooks.get(account, id)

        async def judge(wanted: TestIn) -> str:
            return await _type_for(account, row, wanted.type)

        wanted = await bodies.take_judged(request, TestIn, judge, {}, if_none=b"{}")
        type = await judge(wanted)
        now = runtime.clock()
        facts = await trial.sample_of(account, type, now, wanted.data_text())
        target = await read_target(row, runtime.vault)
        by = request.auth.key
        made = await trial.send(runtime.sender, target, facts, by, now)
        return TrialOut.of(made)

    @post("/preview", status_code=200, opt={"takes": PreviewIn, "body": "optional"})
    async def preview(
        self,
        request: AnyRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> CallPreviewOut:
        """The request that would be made, and whether it would be; sends nothing."""
        row = await webhooks.get(account, id)

        async def judge(wanted: PreviewIn) -> None:
            if wanted.event is None:
                await _type_for(account, row, wanted.type)

        wanted = await bodies.take_judged(request, PreviewIn, judge, {}, if_none=b"{}")
        now = runtime.clock()
        if wanted.event is not None:
            event = await reading.get_event(account, wanted.event)
            facts, subject = trial.facts_of(event), reading.subject_of(event.to_dict())
        else:
            type = await _type_for(account, row, wanted.type)
            facts = await trial.sample_of(account, type, now)
            subject = Subject(facts.data, now)
        made = trial.preview(await read_target(row, runtime.vault), facts, now)
        settings = settings_of(row)
        verdict = await explanation.judge(account, settings, facts.type, subject)
        return CallPreviewOut.of(made, verdict)


async def _type_for(account: str, row: Webhook, given: str | None) -> str:
    """An example of what it listens to, unless the caller says."""
    events = settings_of(row).events
    type = given or await event_types.first_wanted(account, events)
    if type is None:
        text = "It listens to no type of the catalogue: say which to use."
        raise invalid("type", "missing", text)
    known = [each.name for each in await event_types.listed(account)]
    if type not in known:
        raise Invalid([unknown_type(type, known)])
    return type
