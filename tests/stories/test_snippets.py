"""The code for receivers is run: it takes real calls and refuses all others."""

import os
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from callboard.delivery.calls.targets import read_keyring
from callboard.signing import keys
from callboard.signing.schemes import Scheme
from callboard.webhooks import rotation, webhooks
from callboard.webhooks.tables import Webhook
from tests.engine import Engine
from web.pages import snippets

pytestmark = pytest.mark.once

DRIVERS = Path(__file__).parent.parent / "snippets"
SCHEMES = [each for each in Scheme if each is not Scheme.NONE]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # a good text for the others, too
DATA = '{"name": "Grüße, \\u00fc \\/ 🎈", "n": 1.50}'.encode()
HOUR = timedelta(hours=1)
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


@dataclass(frozen=True)
class Case:
    name: str
    scheme: Scheme
    headers: dict[str, str]
    body: bytes
    genuine: bool = False

    @property
    def line(self) -> str:
        pairs = [f"{name}={base64(text)}" for name, text in self.headers.items()]
        return "\t".join([folder(self.scheme), base64(self.body), *pairs])

    def but(self, name: str, **headers: str | None) -> "Case":
        """Not genuine any more; None takes a header away."""
        changed = self.headers | headers
        kept = {name: text for name, text in changed.items() if text is not None}
        return replace(self, name=name, headers=kept, genuine=False)


@dataclass(frozen=True)
class Story:
    webhooks: dict[Scheme, Webhook]
    cases: list[Case]


@pytest.fixture
async def story(engine: Engine) -> Story:
    """What six webhooks sent while their keys changed and after, and what is like it
    and nobody should take."""
    ids: dict[Scheme, str] = {s: await _webhook(engine, s) for s in SCHEMES}
    async with engine.working():
        await engine.post(DATA)
        await engine.settled()
        rows = {s: await webhooks.get(engine.account, id) for s, id in ids.items()}
        for id in ids.values():
            await rotation.end_overlap(engine.by, id)
        await engine.post(DATA)
        await engine.settled()
    cases: list[Case] = []
    for scheme, row in rows.items():
        real = [
            Case(name, scheme, _telling(call.headers), call.body, genuine=True)
            for name, call in zip(
                ("while keys change", "after that"),
                engine.receiver.at(f"/{scheme}"),
                strict=True,
            )
        ]
        cases += [*real, *_spoilt(real[1]), *_old(real[1], row, engine)]
    assert sum(case.genuine for case in cases) == 2 * len(SCHEMES)
    return Story(rows, cases)


async def _webhook(engine: Engine, scheme: Scheme) -> str:
    """With an old key and the one that receivers know."""
    id = await engine.webhook(f"/{scheme}", signing=scheme.value)
    vault, now = engine.runtime.vault, engine.runtime.clock()
    brought = SECRET if scheme.shares_secret else None
    await rotation.rotate(engine.by, id, vault, now + HOUR, brought)
    return id


def _telling(headers: dict[str, str]) -> dict[str, str]:
    """Those that a check looks at."""
    names = ("webhook-", "x-signature", "x-di-signature")
    return {name: text for name, text in headers.items() if name.startswith(names)}


def _spoilt(sent: Case) -> Iterator[Case]:
    header = sent.scheme.usual_header.lower()
    both = {header: None, f"{header}-next": None}
    for place in (0, -1):
        body = bytearray(sent.body)
        body[place] ^= 1
        yield replace(sent, name="a changed byte", body=bytes(body), genuine=False)
    yield replace(sent, name="no body", body=b"", genuine=False)
    yield replace(sent, name="a line end", body=sent.body + b"\n", genuine=False)
    yield sent.but("no signature", **both)
    other = keys.open_key(sent.scheme, keys.generate(sent.scheme))
    at = int(sent.headers["webhook-timestamp"])
    forged = other(sent.headers["webhook-id"], at, sent.body)
    yield sent.but("another key", **both | {header: forged})
    for nonsense in ("x", "v1,", "v1a,AAAA", "é", forged[:-4]):
        yield sent.but(f"the signature {nonsense}", **both | {header: nonsense})
    if sent.scheme is Scheme.STANDARD_ED25519:
        yield sent.but("another text of the same", **{header: _again(sent, header)})
    if sent.scheme.is_standard:
        yield sent.but("another id", **{"webhook-id": "evt_x"})
        yield sent.but("another time", **{"webhook-timestamp": str(at + 1)})
        yield sent.but("no time", **{"webhook-timestamp": None})
        yield sent.but("nonsense for a time", **{"webhook-timestamp": "soon"})


def _again(sent: Case, header: str) -> str:
    """S is a number below L; S + L must be no second signature (RFC 8032, 5.1.7)."""
    signature = b64decode(sent.headers[header].removeprefix("v1a,"))
    s = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    return "v1a," + base64(signature[:32] + s.to_bytes(32, "little"))


def _old(sent: Case, row: Webhook, engine: Engine) -> Iterator[Case]:
    """Signed with the right key, but not now."""
    if not sent.scheme.is_standard:
        return
    now = engine.runtime.clock()
    ring = read_keyring(row, engine.runtime.vault)
    for seconds in (-400, 400):
        at = int(now.timestamp()) + seconds
        signed = ring.headers(sent.headers["webhook-id"], at, sent.body, now)
        headers = dict(signed) | {"webhook-timestamp": str(at)}
        yield sent.but(f"signed {seconds} s from now", **headers)


def folder(scheme: Scheme) -> str:
    return scheme.replace("-", "")


def base64(content: str | bytes) -> str:
    data = content.encode() if isinstance(content, str) else content
    return b64encode(data).decode()


def in_namespace(code: str, name: str) -> str:
    return f"namespace {name} {{\n{code}}}\n"


def in_package(code: str, name: str) -> str:
    return f"package {name};\n{code}"


def in_php_namespace(code: str, name: str) -> str:
    return code.replace("<?php\n", f"<?php\nnamespace {name};\n", 1)


def as_it_is(code: str, name: str) -> str:
    return code


@dataclass(frozen=True)
class Runner:
    """`program`: what the machine must have. `steps`: run one after the other in the
    directory of the snippets; the last one reads the cases."""

    program: str
    steps: tuple[tuple[str, ...], ...]
    driver: str
    path: str = "{snippet}.{language}"
    wrap: Callable[[str, str], str] = as_it_is


# Without a cache, Go compiles its library first; this is its quickest way.
GO_RUN = ("go", "run", "-gcflags=all=-N -l", "-ldflags=-s -w", ".")
MCS = ("mcs", "-r:System.Numerics.dll")
RUNNERS = {
    "php": Runner(
        "php",
        (("php", "check.php", "code"),),
        "check.php",
        path="code/{snippet}.php",
        wrap=in_php_namespace,
    ),
    "js": Runner("node", (("node", "check.js", "."),), "check.js"),
    "py": Runner("python3", ((sys.executable, "check.py", "."),), "check.py"),
    "rb": Runner("ruby", (("ruby", "check.rb", "."),), "check.rb"),
    "sh": Runner("openssl", (("sh", "check.sh", "."),), "check.sh"),
    "cs": Runner(
        "mcs",
        ((*MCS, "-out:check.exe", "-recurse:*.cs"), ("mono", "check.exe")),
        "Check.cs",
        wrap=in_namespace,
    ),
    "java": Runner(
        "javac",
        (
            ("sh", "-c", "javac -d out Check.java */*.java"),
            ("java", "-XX:TieredStopAtLevel=1", "-cp", "out", "Check"),
        ),
        "Check.java",
        path="{snippet}/WebhookSignature.java",
        wrap=in_package,
    ),
    "go": Runner("go", (GO_RUN,), "check.go", path="{snippet}/verify.go"),
}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("language", snippets.LANGUAGES)
async def test_the_code_takes_real_calls_and_no_others(story, tmp_path, language):
    runner = RUNNERS[language]
    if shutil.which(runner.program) is None:
        name = snippets.LANGUAGES[language]
        pytest.skip(f"there is no {runner.program} here: the code in {name} is not run")
    for row in story.webhooks.values():
        write(tmp_path, runner, language, row)
    shutil.copy(DRIVERS / runner.driver, tmp_path)
    (tmp_path / "go.mod").write_text("module check\n\ngo 1.19\n")
    answers = run(runner, tmp_path, "".join(f"{case.line}\n" for case in story.cases))
    assert len(answers) == len(story.cases)
    wrong = [
        (str(case.scheme), case.name)
        for case, answer in zip(story.cases, answers, strict=True)
        if answer != ("yes" if case.genuine else "no")
    ]
    assert not wrong


def write(place: Path, runner: Runner, language: str, row: Webhook) -> None:
    scheme = Scheme(row.signing)
    newest, _ = rotation.signing_keys(row, row.changed_at)
    code = snippets.snippet(scheme, scheme.usual_header, newest.public, language).code
    path = place / runner.path.format(snippet=folder(scheme), language=language)
    path.parent.mkdir(exist_ok=True)
    path.write_text(runner.wrap(code, folder(scheme)))


def run(runner: Runner, place: Path, cases: str) -> list[str]:
    environ = os.environ | {"WEBHOOK_SECRET": SECRET, "CGO_ENABLED": "0"}
    for step in runner.steps:
        ended = subprocess.run(
            step, cwd=place, env=environ, input=cases.encode(), capture_output=True
        )
        assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout.decode().splitlines()
