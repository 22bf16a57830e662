"""Keys as a person sees, replaces and shows them, and help for those who check."""

import re
from html import unescape

import pytest

from callboard.accounts import audit
from callboard.signing.schemes import Scheme
from callboard.webhooks.tables import Webhook
from tests.engine import Engine
from tests.pages.forms import FORM, only
from tests.pages.signed_in import seen
from web.pages.snippets import LANGUAGES

SCHEMES = [each for each in Scheme if each is not Scheme.NONE]
PAIRS = [each for each in SCHEMES if not each.shares_secret]


class TestTheForm:
    @pytest.mark.parametrize("scheme", [Scheme.HMAC_SHA512_HEX, Scheme.HMAC_SHA256_HEX])
    async def test_names_the_header_and_brings_the_secret(self, alice, engine, scheme):
        form = {"signing_scheme": scheme, "signing_header": "X-Own-Mac"}
        form |= {"signing_secret": "a <short> one"}
        answer = await alice.shown("/webhooks/new", FORM | form)
        assert "a <short> one" in seen(answer)
        assert "This secret has fewer than 24 bytes" in seen(answer)
        page = await alice.get(f"/webhooks/{(await only()).id}?tab=settings")
        assert "hex, in X-Own-Mac" in seen(page)

    @pytest.mark.parametrize("scheme", PAIRS)
    async def test_leads_to_the_public_half_of_a_pair(self, alice, engine, scheme):
        answer = await alice.post("/webhooks/new", FORM | {"signing_scheme": scheme})
        page = await alice.get(answer.headers["Location"])
        assert "-----BEGIN PUBLIC KEY-----" in page.text
        assert ("<RSAKeyValue>" in unescape(page.text)) == scheme.is_rsa
        assert "Show the secret" not in page.text

    async def test_makes_a_key_for_another_signature_and_says_so(self, alice, engine):
        id = await engine.webhook()
        page = await alice.get(f"/webhooks/{id}/edit")
        assert "Another signature gets a key of its own" in seen(page)
        form = FORM | {"signing_scheme": "hmac-sha512-hex", "signing_header": "X-A"}
        answer = await alice.shown(f"/webhooks/{id}/edit", form)
        (secret,) = re.findall(r"<code>([0-9a-f]{64})</code>", answer.text)
        answer = await alice.post(f"/webhooks/{id}/edit", form)
        assert answer.headers["Location"].endswith("tab=settings")
        form |= {"signing_scheme": "rsa-sha256", "signing_header": ""}
        answer = await alice.post(f"/webhooks/{id}/edit", form)
        assert answer.headers["Location"].endswith("tab=keys")
        assert secret not in (await alice.get(f"/webhooks/{id}?tab=keys")).text

    async def test_shows_what_is_wrong_with_a_key_beside_it(self, alice, engine):
        wrong = {"signing_scheme": "rsa-sha256", "signing_secret": "topsecret"}
        answer = await alice.post("/webhooks/new", FORM | wrong, 422)
        assert "Bring a private RSA key as PEM" in seen(answer)

    async def test_previews_with_a_key_that_nobody_knows(self, alice, engine):
        for scheme in SCHEMES:
            form = FORM | {"signing_scheme": scheme}
            part = await alice.post_part("/webhooks/new/preview", form)
            assert scheme.usual_header in seen(part)


class TestRotation:
    async def test_says_who_signs_until_when(self, alice, engine: Engine):
        id = await engine.webhook(signing="rsa-sha256")
        form = {"overlap_hours": "24"}
        answer = await alice.post(f"/webhooks/{id}/keys/rotate", form)
        page = seen(await alice.get(answer.headers["Location"]))
        assert "Signs in X-DI-Signature-Next , and takes over at" in page
        assert "Signs in X-DI-Signature until" in page
        assert "Public key of the older key" in page
        asked = await alice.get(f"/webhooks/{id}/keys/end-overlap")
        assert "The new key alone signs from now on." in seen(asked)
        await alice.post(f"/webhooks/{id}/keys/end-overlap")
        page = seen(await alice.get(f"/webhooks/{id}?tab=keys"))
        assert "End the overlap" not in page
        assert "The key in use" in page

    async def test_shows_a_new_secret_once_and_takes_one_that_is_brought(
        self, alice, engine
    ):
        id = await engine.webhook(signing="hmac-sha256-hex")
        form = {"overlap_hours": "5", "secret": "brought by the receiver, long"}
        answer = await alice.shown(f"/webhooks/{id}/keys/rotate", form)
        assert form["secret"] in seen(answer)
        assert "the old secret signs in X-Signature , and this one" in seen(answer)

    async def test_tells_what_is_wrong(self, alice, engine):
        id = await engine.webhook()
        path = f"/webhooks/{id}/keys/rotate"
        for wrong in ("", "-1", "721", "x"):
            answer = await alice.post(path, {"overlap_hours": wrong}, 422)
            assert "Give 0 to 720 hours." in seen(answer)
        form = {"overlap_hours": "3", "secret": "topsecret"}
        answer = await alice.post(path, form, 422)
        assert "Begin the secret with whsec_." in seen(answer)
        await alice.get(path, 405)


class TestShowingTheSecret:
    async def test_is_a_deed_that_is_written_down(self, alice, engine, cast):
        id = await engine.webhook()
        page = await alice.get(f"/webhooks/{id}?tab=keys")
        assert engine.secrets[id] not in page.text
        answer = await alice.shown(f"/webhooks/{id}/keys/reveal")
        assert engine.secrets[id] in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        entry, *_ = (await audit.page(cast.alice.account)).items
        assert (entry.act, entry.subject) == ("webhook.secret_revealed", id)
        assert entry.actor == cast.alice.member.email
        await alice.get(f"/webhooks/{id}/keys/reveal", 405)

    async def test_is_not_for_viewers(self, viewer, engine):
        id = await engine.webhook()
        for act in ("reveal", "rotate", "end-overlap"):
            await viewer.post(f"/webhooks/{id}/keys/{act}", status=403)
        page = await viewer.get(f"/webhooks/{id}?tab=keys")
        assert "Show the secret" not in page.text

    async def test_nor_for_strangers(self, charlie, engine):
        id = await engine.webhook()
        for act in ("reveal", "rotate", "end-overlap", "verify"):
            form = {"overlap_hours": "1"}
            answer = await charlie.post(f"/webhooks/{id}/keys/{act}", form, 404)
            assert engine.secrets[id] not in answer.text


class TestHelpForTheReceiver:
    @pytest.mark.parametrize("scheme", SCHEMES)
    async def test_has_code_in_every_language(self, alice, engine, scheme):
        header = "X-Own" if scheme.names_header else ""
        id = await engine.webhook(signing=scheme.value, signature_header=header)
        row = await Webhook.objects().get(Webhook.id == id)
        for language, name in LANGUAGES.items():
            page = await alice.get(f"/webhooks/{id}?tab=verify&language={language}")
            code = unescape(page.text)
            assert f'aria-current="true">{name}</a>' in page.text
            assert (header or "webhook-signature").lower() in code.lower()
            assert "{{" not in code
        if not scheme.shares_secret:
            line = re.findall(r"\\n(\w[\w+/=]{40,})\\n", row.secrets)[0]
            assert line[:40] in code

    async def test_an_unknown_language_is_the_first(self, alice, engine):
        id = await engine.webhook()
        page = await alice.get(f"/webhooks/{id}?tab=verify&language=../../etc/passwd")
        assert 'aria-current="true">C#</a>' in page.text

    async def test_says_why_a_call_does_not_pass(self, viewer, engine: Engine):
        id = await engine.webhook("/x")
        await engine.post(b'{"n": 1}')
        async with engine.working():
            (call,) = await engine.receiver.got(1, "/x")
            await engine.settled()
        headers = "\n".join(f"{name}: {text}" for name, text in call.headers.items())
        form = {"headers": headers, "body": call.body.decode(), "language": "py"}
        path = f"/webhooks/{id}/keys/verify"
        page = await viewer.post(path, form, 200)
        assert "This call passes: it came from here" in seen(page)
        form["body"] += " "
        part = await viewer.post_part(path, form)
        assert "<html" not in part.text
        assert "white space was added around it" in seen(part)
        sent = f"{len(call.body)} bytes were sent, and these are {len(call.body) + 1}."
        assert sent in seen(part)
        engine.skip(600)
        form["body"] = call.body.decode()
        late = seen(await viewer.post(path, form, 200))
        assert "The signature is right, but the time is not: receivers refuse" in late
        assert "It was signed 10 minutes ago." in late
        assert "This is what was sent: try 1, " in late

    async def test_without_a_signature_there_is_nothing_to_check(self, alice, engine):
        id = await engine.webhook(signing="none")
        page = await alice.get(f"/webhooks/{id}?tab=verify")
        assert "This webhook does not sign its calls." in seen(page)
        page = await alice.get(f"/webhooks/{id}?tab=keys")
        assert "Calls are not signed." in seen(page)
        for act in ("reveal", "rotate"):
            form = {"overlap_hours": "1"}
            status = 409 if act == "reveal" else 422
            await alice.post(f"/webhooks/{id}/keys/{act}", form, status)
