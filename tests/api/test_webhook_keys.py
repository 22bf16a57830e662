"""Signatures and their keys through the API."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from standardwebhooks import Webhook

from callboard.accounts import audit
from callboard.signing import keys, private
from callboard.signing.schemes import Scheme
from tests.api.creating import PATH, create
from tests.cast import Cast
from tests.problems import told

SCHEMES = [each for each in Scheme if each is not Scheme.NONE]
SHARED = [each for each in SCHEMES if each.shares_secret]
PAIRS = [each for each in SCHEMES if not each.shares_secret]
OF_BODY = [each for each in SCHEMES if each.names_header]


pytestmark = pytest.mark.usefixtures("contact_created")


def where(made: dict[str, Any]) -> str:
    return f"{PATH}/{made['id']}"


async def preview(api, made) -> dict[str, str]:
    answer = await api.post(f"{where(made)}/preview", json={"type": "contact.created"})
    return dict(answer.json()["request"]["headers"])


@pytest.mark.parametrize("scheme", SHARED)
async def test_a_shared_secret_is_in_the_answer_that_makes_it_and_no_other(api, scheme):
    made = await create(api, signing={"scheme": scheme})
    secret = made["secret"]
    assert keys.check(scheme, secret) == []
    shown = [await api.get(where(made)), await api.get(f"{where(made)}/keys")]
    assert not any(secret in each.text for each in shown)
    (key,) = shown[1].json()["keys"]
    assert key["public"] is None
    assert (key["until"], key["takes_over"]) == (None, None)


@pytest.mark.parametrize("scheme", PAIRS)
async def test_of_a_pair_the_public_half_is_shown_and_the_other_never(api, scheme):
    made = await create(api, signing={"scheme": scheme})
    assert made["secret"] is None
    shown = (await api.get(f"{where(made)}/keys")).json()
    assert shown["keys"] == made["keys"]
    public = shown["keys"][0]["public"]
    load_pem_public_key(public["pem"].encode())
    assert public["jwk"]["kty"] == ("RSA" if scheme.is_rsa else "OKP")
    assert (public["xml"] is None) == (public["whpk"] is not None)
    assert (await api.post(f"{where(made)}/keys/reveal")).status_code == 409


async def test_calls_carry_the_header_that_the_webhook_names(api):
    signing = {"scheme": "hmac-sha512-hex", "header": "TrackTik-Subscription-Secret"}
    made = await create(api, signing=signing | {"secret": "s3cr3t"})
    assert made["signing"] == signing
    assert "might be guessed" in made["hint"]
    assert len((await preview(api, made))[signing["header"]]) == 128


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_each_scheme_has_its_usual_header(api, scheme):
    made = await create(api, signing={"scheme": scheme})
    assert made["signing"] == {"scheme": scheme, "header": scheme.usual_header}
    assert scheme.usual_header in await preview(api, made)


@pytest.mark.parametrize(
    ("signing", "found"),
    [
        ({"scheme": "rsa-sha1", "header": "X Y"}, "header:header_name"),
        ({"scheme": "rsa-sha1", "header": "X'Y"}, "header:header_name"),
        ({"scheme": "rsa-sha1", "header": "Host"}, "header:refused"),
        ({"scheme": "rsa-sha1", "header": "Webhook-Id"}, "header:refused"),
        ({"scheme": "rsa-sha1", "header": "X" * 81}, "header:too_long"),
        ({"scheme": "rsa-sha1", "header": "x-env"}, "header:taken"),
        ({"scheme": "hmac-sha256-hex", "header": "X"}, "header:taken"),
        ({"scheme": "standard", "header": "X-Sig"}, "header:unused"),
        ({"scheme": "none", "secret": "x"}, "secret:unused"),
        ({"scheme": "rsa-sha256", "secret": "whsec_x"}, "secret:pem"),
        ({"scheme": "standard", "secret": "x"}, "secret:prefix"),
        ({"scheme": "nix"}, "scheme:type"),
    ],
)
async def test_what_cannot_be_a_signature(api, signing, found):
    headers = {"X-Env": "prod", "X-Next": "1"}
    body = {"url": "https://r.example/", "events": ["*"], "headers": headers}
    answer = await api.post(PATH, json=body | {"signing": signing})
    field, code = found.split(":")
    assert told(answer) == [(f"signing.{field}", code)]


class TestAnotherScheme:
    async def test_gets_a_key_of_its_own_and_the_old_one_ends(self, api):
        made = await create(api)
        answer = await api.patch(where(made), json={"signing": {"scheme": "none"}})
        assert answer.json()["secret"] is None
        assert "webhook-signature" not in await preview(api, made)
        wanted = {"scheme": "hmac-sha256-hex", "header": "X-Mac"}
        changed = (await api.patch(where(made), json={"signing": wanted})).json()
        assert changed["signing"] == wanted
        assert len(changed["secret"]) == 64
        assert set(await preview(api, made)) >= {"X-Mac"}
        shown = (await api.patch(where(made), json={"name": "New"})).json()
        assert not {"secret", "keys", "hint"} & shown.keys()

    async def test_takes_a_key_that_is_brought(self, api):
        made = await create(api)
        pem = keys.generate(Scheme.RSA_SHA256)
        wanted = {"signing": {"scheme": "rsa-sha256", "secret": pem}}
        changed = (await api.patch(where(made), json=wanted)).json()
        public = private.open_rsa(pem).public_key()
        shown = changed["keys"][0]["public"]["pem"]
        assert load_pem_public_key(shown.encode()) == public
        assert pem not in (await api.get(where(made))).text

    async def test_leaves_the_other_ones_header_behind(self, api):
        made = await create(api, signing={"scheme": "rsa-sha1", "header": "X-Mine"})
        answer = await api.patch(where(made), json={"signing": {"scheme": "rsa-sha1"}})
        assert answer.json()["signing"]["header"] == "X-Mine"
        answer = await api.patch(where(made), json={"signing": {"scheme": "standard"}})
        assert answer.json()["signing"]["header"] == "webhook-signature"

    async def test_a_secret_for_the_same_scheme_is_a_matter_of_rotation(self, api):
        made = await create(api)
        wanted = {"signing": {"secret": "whsec_" + "A" * 32}}
        answer = await api.patch(where(made), json=wanted)
        assert told(answer) == [("signing.secret", "rotate")]


class TestRotation:
    @pytest.mark.parametrize("scheme", OF_BODY)
    async def test_one_signature_stays_with_the_old_key_until_it_ends(
        self, api, scheme
    ):
        made = await create(api, signing={"scheme": scheme})
        header, path = scheme.usual_header, f"{where(made)}/keys"
        rotated = (await api.post(f"{path}/rotate", json={"overlap_hours": 2})).json()
        assert (rotated["secret"] is None) == (scheme in PAIRS)
        assert rotated["key"]["header"] == f"{header}-Next"
        assert rotated["key"]["takes_over"] == rotated["old_until"]
        new, old = (await api.get(path)).json()["keys"]
        assert (old["header"], old["until"]) == (header, rotated["old_until"])
        assert {header, f"{header}-Next"} <= set(await preview(api, made))
        ended = (await api.post(f"{path}/end-overlap")).json()["keys"]
        assert [(each["header"], each["made_at"]) for each in ended] == [
            (header, new["made_at"])
        ]
        assert f"{header}-Next" not in await preview(api, made)

    async def test_a_second_one_replaces_the_key_that_waits(self, api):
        made = await create(api, signing={"scheme": "rsa-sha256"})
        path = f"{where(made)}/keys/rotate"
        first = (await api.post(path, json={"overlap_hours": 1})).json()
        await api.post(path, json={"overlap_hours": 5})
        new, old = (await api.get(f"{where(made)}/keys")).json()["keys"]
        assert new["public"] != first["key"]["public"]
        assert old["public"] == made["keys"][0]["public"]
        assert old["until"] == first["old_until"]

    async def test_standard_webhooks_sign_with_all(self, api, cast):
        made = await create(api)
        secrets = [made["secret"]]
        for _ in range(4):
            rotated = await api.post(f"{where(made)}/keys/rotate")
            secrets.append(rotated.json()["secret"])
        answer = await api.post(f"{where(made)}/keys/rotate")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
        asked = {"type": "contact.created"}
        sent = (await api.post(f"{where(made)}/preview", json=asked)).json()["request"]
        for secret in secrets:
            Webhook(secret).verify(sent["body"], dict(sent["headers"]))
        revealed = (await api.post(f"{where(made)}/keys/reveal")).json()
        assert revealed == {"secrets": secrets[::-1]}
        acts = [each.act for each in (await audit.page(cast.alice.account)).items]
        assert acts[:2] == ["webhook.secret_revealed", "webhook.secret_rotated"]

    async def test_none_of_the_old_keys_may_go_on_when_it_leaked(self, api):
        made = await create(api)
        path = f"{where(made)}/keys/rotate"
        await api.post(path)
        rotated = (await api.post(path, json={"overlap_hours": 0})).json()
        revealed = (await api.post(f"{where(made)}/keys/reveal")).json()
        assert revealed == {"secrets": [rotated["secret"]]}

    async def test_a_key_may_be_brought(self, api):
        made = await create(api)
        path, own = f"{where(made)}/keys/rotate", "whsec_" + "A" * 32
        assert (await api.post(path, json={"secret": own})).json()["secret"] == own
        answer = await api.post(path, json={"secret": "whsec_topsecret"})
        assert told(answer) == [("secret", "base64")]
        assert "topsecret" not in answer.text

    async def test_is_for_calls_that_are_signed(self, api):
        made = await create(api, signing={"scheme": "none"})
        for verb in ("rotate", "reveal"):
            answer = await api.post(f"{where(made)}/keys/{verb}")
            assert answer.status_code == 409
        for wrong in (-1, 721):
            answer = await api.post(
                f"{where(made)}/keys/rotate", json={"overlap_hours": wrong}
            )
            assert told(answer) == [("overlap_hours", "out_of_range")]


async def test_the_verifier_says_why(api):
    made = await create(api)
    asked = {"type": "contact.created"}
    sent = (await api.post(f"{where(made)}/preview", json=asked)).json()["request"]
    call = {"headers": dict(sent["headers"]), "body": sent["body"]}
    path = f"{where(made)}/keys/verify"
    answer = (await api.post(path, json=call)).json()
    assert answer["passes"]
    assert [each["verdict"] for each in answer["steps"]] == ["passed"] * 4 + ["skipped"]
    answer = (await api.post(path, json=call | {"body": sent["body"] + "\n"})).json()
    assert not answer["passes"]
    assert "a line end was added" in answer["steps"][3]["text"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", "/rotate"),
        ("POST", "/reveal"),
        ("POST", "/end-overlap"),
        ("POST", "/verify"),
    ],
)
async def test_nobody_reaches_another_accounts_keys(api, cast: Cast, method, path):
    made = await create(api)
    call = {"headers": {}, "body": ""} if path == "/verify" else None
    answer = await api.request(
        method, f"{where(made)}/keys{path}", json=call, headers=cast.charlie.headers
    )
    assert answer.status_code == 404
