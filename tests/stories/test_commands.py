"""The `callboard` command, as a person or a script at a terminal meets it."""

import asyncio
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from callboard.accounts import accounts, invitations, keys, signing_in
from callboard.auth.settings import Auth
from callboard.database import writing
from callboard.delivery.calls.targets import read_target
from callboard.runtime import Runtime
from callboard.vault import Vault
from callboard.webhooks import webhooks
from tests.cast import Cast
from tests.certificates import FOR_CLIENTS, authority, issue
from tests.engine import Engine

pytestmark = pytest.mark.usefixtures("runtime")
PASSWORD = "a quiet long password"
SAFE = {"ALLOW_DESTINATIONS": "10.9.0.0/16"}


@dataclass
class Ended:
    code: int
    output: str
    errors: str


async def callboard(*words: str, typed: str = "", **environ: str) -> Ended:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "callboard", *words),
        env={**os.environ, **environ},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(typed.encode())
    return Ended(process.returncode or 0, output.decode(), errors.decode())


async def test_nobody_else_on_the_machine_reads_its_files(tmp_path: Path):
    path = tmp_path / "new.sqlite"
    ended = await callboard("migrate", DATABASE_URL=f"sqlite:///{path}")
    assert ended.code == 0, ended.errors
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_key_is_printed_alone_and_works(cast: Cast, runtime: Runtime):
    ended = await callboard("keys", "create", "--name", "CRM")
    assert (ended.code, ended.errors) == (0, "")
    caller = await keys.find(ended.output.rstrip("\n"), runtime.clock())
    assert caller
    assert (caller.account, caller.name) == (cast.alice.account, "CRM")
    assert caller.scopes == {*keys.Scope}


async def test_a_key_may_do_less_and_be_another_accounts(cast: Cast, runtime: Runtime):
    words = ("--name", "x", "--scope", "read", "--scope", "events:write")
    for account in ("Elsewhere", cast.charlie.account):
        ended = await callboard("keys", "create", *words, "--account", account)
        caller = await keys.find(ended.output.strip(), runtime.clock())
        assert caller
        assert caller.account == cast.charlie.account
        assert caller.scopes == {"read", "events:write"}


async def test_a_member_gets_a_link_to_choose_a_password(cast: Cast, runtime: Runtime):
    words = ("members", "add", "dora@acme.example", "--role", "owner", "--name", "Dora")
    ended = await callboard(*words)
    assert ended.code == 0
    url, token = ended.output.strip().rsplit("/", 1)
    assert url == "http://callboard.test/join"
    dora = await invitations.invited(token, runtime.clock())
    assert (dora.name, dora.role, dora.account) == ("Dora", "owner", cast.alice.account)


async def test_whoever_cannot_sign_in_gets_a_link(cast: Cast, runtime: Runtime):
    ended = await callboard("members", "link", "Alice@acme.example")
    token = ended.output.strip().removeprefix("http://callboard.test/join/")
    assert (
        await invitations.invited(token, runtime.clock())
    ).id == cast.alice.member.id


async def test_a_password_may_come_on_standard_input(cast: Cast, runtime: Runtime):
    words = ("members", "add", "dora@acme.example", "--password-stdin")
    ended = await callboard(*words, typed=PASSWORD + "\n")
    assert (ended.code, ended.output) == (0, "")
    dora = await signing_in.sign_in("dora@acme.example", PASSWORD, runtime.clock())
    assert dora
    assert dora.role == "member"


async def test_an_account_is_added_by_name(cast: Cast):
    ended = await callboard("accounts", "add", "Third Ltd")
    found = await accounts.find("Third Ltd")
    assert found
    assert ended.output.strip() == found.id


async def test_what_cannot_be_done_is_said_in_a_sentence(cast: Cast):
    refusals = {
        "members add nonsense": "ada@example.org",
        "members add alice@acme.example": "already",
        "members link nobody@acme.example": "Nobody signs in as nobody@",
        "members add x@y.example --role king": "owner, member, viewer",
        "members add x@y.example --password-stdin": "at least 10",
        "keys create --name x --scope fly": "no scope fly",
        "keys create --name x --account Nobody": "no account Nobody",
        "accounts add ": "name",
    }
    found = await asyncio.gather(
        *(callboard(*words.split(" "), typed="short\n") for words in refusals)
    )
    for ended, said in zip(found, refusals.values(), strict=True):
        assert (ended.code, ended.output) == (1, "")
        assert said in ended.errors
        assert ended.errors.count("\n") == 1


class TestCheck:
    async def test_where_all_is_well_it_says_nothing(self, engine: Engine):
        await engine.webhook()
        await engine.post()
        ended = await callboard("check", **SAFE)
        assert (ended.code, ended.output, ended.errors) == (0, "", "")

    async def test_a_breach_of_the_ledger_is_a_finding(self, engine: Engine):
        await engine.webhook()
        await engine.post()
        async with writing() as db:
            await db.fetch("UPDATE turn SET leased = 1")
        ended = await callboard("check", **SAFE)
        assert ended.code == 1
        assert "calls in flight is wrong" in ended.output
        async with writing() as db:
            await db.fetch("UPDATE turn SET leased = 0")

    async def test_a_client_certificate_that_ends_is_a_finding(self, engine: Engine):
        ends = engine.runtime.clock() + timedelta(days=3)
        ours = issue("us", authority(), use=FOR_CLIENTS, ends=ends)
        fields = {"certificate": ours.pem, "private_key": ours.key}
        auth = Auth.of("mtls", fields)
        await engine.webhook(name="CRM", url="https://r.example/", auth=auth)
        ended = await callboard("check", **SAFE)
        assert ended.code == 1
        assert "The client certificate of CRM (wh_" in ended.output

    async def test_redis_that_does_not_answer_is_a_finding(self, cast: Cast):
        url = "redis://someone:secret@127.0.0.1:1/0"
        ended = await callboard("check", REDIS_URL=url, **SAFE)
        assert ended.code == 1
        assert ended.output.startswith("Redis does not answer")
        assert "secret" not in ended.output + ended.errors

    async def test_a_public_url_that_leads_nowhere_is_a_finding(self, cast: Cast):
        ended = await callboard(
            "check", HOST="0.0.0.0", PUBLIC_URL="http://127.0.0.1:8000", **SAFE
        )
        assert ended.code == 1
        assert ended.output.startswith("PUBLIC_URL is http://127.0.0.1:8000")
        assert ended.output.count("\n") == 1

    async def test_opening_the_servers_network_to_webhooks_is_a_finding(
        self, cast: Cast
    ):
        redis = "redis://127.0.0.1:1/0"
        open = {"ALLOW_DESTINATIONS": "127.0.0.0/8", "REDIS_URL": redis}
        ended = await callboard("check", **open)
        assert ended.code == 1
        assert "ALLOW_DESTINATIONS opens the network of the Redis" in ended.output
        ended = await callboard("check", **open, DENY_DESTINATIONS="127.0.0.1")
        assert "ALLOW_DESTINATIONS" not in ended.output

    async def test_a_database_that_is_away_is_a_finding(self, cast: Cast, tmp_path):
        (tmp_path / "file").touch()
        for url in (
            "postgres://someone:secret@127.0.0.1:1/x",
            f"sqlite:///{tmp_path}/file/x.sqlite",
        ):
            ended = await callboard("check", DATABASE_URL=url, **SAFE)
            assert (ended.code, ended.errors) == (1, "")
            assert "The database does not answer" in ended.output
            assert "secret" not in ended.output

    async def test_an_empty_database_wants_migrations(self, cast: Cast, tmp_path):
        url = f"sqlite:///{tmp_path}/new.sqlite"
        ended = await callboard("check", DATABASE_URL=url, **SAFE)
        assert ended.code == 1
        assert "run callboard migrate" in ended.output
        ended = await callboard("keys", "create", "--name", "x", DATABASE_URL=url)
        assert (ended.code, ended.output) == (1, "")
        assert "run callboard migrate" in ended.errors


def test_the_key_that_up_has_kept_serves_every_verb(tmp_path: Path):
    (tmp_path / "secret_key").write_text("k" * 40)
    environ = {**os.environ, "DATA_DIR": str(tmp_path)}
    environ.pop("SECRET_KEY", None)
    command = [sys.executable, "-m", "callboard", "migrate"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


class TestReseal:
    OLD, NEW = os.environ["SECRET_KEY"], "the-new-key-is-as-long-as-the-old-one-was"

    async def test_moves_all_secrets_to_the_first_key(self, engine: Engine):
        bearer = Auth.of("bearer", {"token": "t0ken"})
        id = await engine.webhook(auth=bearer)
        await engine.webhook(signing="rsa-sha256", active=False)
        await engine.webhook(signing="none", active=False)
        both = {"SECRET_KEY": f"{self.NEW},{self.OLD}"}
        ended = await callboard("check", **both, **SAFE)
        assert (ended.code, ended.output.count("\n")) == (1, 1)
        assert (
            "Secrets of webhooks under an older key of SECRET_KEY: 2." in ended.output
        )
        for count in (2, 0):
            ended = await callboard("reseal", **both)
            assert (
                ended.output == f"Webhooks whose secrets were sealed anew: {count}.\n"
            )
        ended = await callboard("check", SECRET_KEY=self.NEW, **SAFE)
        assert (ended.code, ended.output) == (0, "")
        target = await read_target(await webhooks.get(engine.account, id), self.vault())
        assert dict(target.headers)["Authorization"] == "Bearer t0ken"
        assert target.keyring.keys

    async def test_names_what_no_key_opens(self, engine: Engine):
        id = await engine.webhook()
        ended = await callboard("check", SECRET_KEY=self.NEW, **SAFE)
        assert "that no key in SECRET_KEY opens: 1, such as" in ended.output
        ended = await callboard("reseal", SECRET_KEY=self.NEW)
        assert (ended.code, id in ended.errors) == (1, True)

    async def test_a_wrong_key_stops_the_worker_before_it_does_harm(
        self, engine: Engine
    ):
        await engine.webhook()
        await engine.post()
        ended = await callboard("worker", SECRET_KEY=self.NEW)
        assert ended.code == 1
        assert "SECRET_KEY opens the secrets of 0 webhooks" in ended.errors
        assert "not those of 1:" in ended.errors
        assert (await engine.states(), engine.receiver.calls) == (["pending"], [])
        async with engine.working():
            await engine.settled()
        assert await engine.states() == ["delivered"]

    def vault(self) -> Vault:
        return Vault([self.NEW])
