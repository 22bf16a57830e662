"""Mail servers as they are found: with a password, with TLS, and with bad news."""

import ssl
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from callboard.notices import envelope, mail
from callboard.notices.letters import Facts, Letter, Now
from callboard.notices.mailer import Mailer, MailError
from tests.mailboxes import receiving_mail
from tests.make import NOW

OPS = "ops@example.org"
GOOD = "p%40ss"  # as it stands in a URL
SIGNED_IN: dict[str, Any] = {"auth_required": True}


def letter() -> EmailMessage:
    written = mail.write("test", Facts(), Now(page="http://callboard.test/"))
    return envelope.message(written, "a@example.org", OPS, "x", "", NOW)[0]


async def send(url: str, folder: Path) -> None:
    await Mailer(url, "a@example.org", folder).send(letter(), OPS, "x")


def with_password(url: str, password: str) -> str:
    return url.replace("//", f"//ada:{password}@")


@pytest.mark.parametrize(
    "name",
    [
        *("=?utf-8?q?=0D=0ABcc:_eve=40evil.example?=", "=?utf-8?b?DQpCY2M6IGU=?="),
        *("a =?us-ascii?q?=0aBcc:e?= b", "é =?utf-8?q?=0aBcc:e?=", "=?utf-8?q?=0a"),
        *("a\u2028Bcc: e@evil.example", "a\x85Bcc: e", "a\nBcc: e", "é" * 120, "=?=?"),
    ],
)
def test_no_name_of_a_webhook_adds_a_header_or_keeps_the_mail_back(name: str):
    written = mail.write("failing", Facts(name=name), Now())
    made = envelope.message(written, "a@example.org", OPS, "x", "", NOW)[0]
    plain = envelope.message(
        mail.write("failing", Facts(name="CRM"), Now()),
        *("a@example.org", OPS, "x", "", NOW),
    )[0]
    sent = message_from_bytes(made.as_bytes())
    assert sent.keys() == plain.keys()
    assert not sent["Subject"].startswith(("\r", "\n"))


@pytest.mark.parametrize("start", ["Warehouse in Lyon", "Größenabgleich in Köln"])
@pytest.mark.parametrize("length", [*range(60, 84), 200])
def test_a_subject_begins_beside_its_name_and_is_read_as_it_was(start, length):
    subject = (start + " was deactivated" * 12)[:length].strip()
    written = Letter(subject, [], ("Look", "http://callboard.test/"), [])
    made = envelope.message(written, "a@example.org", OPS, "x", "", NOW)[0]
    raw = made.as_bytes()
    (first,) = (line for line in raw.splitlines() if line.startswith(b"Subject:"))
    assert first.removeprefix(b"Subject:").strip()
    head = raw.partition(b"\n\n")[0].splitlines()
    assert max(map(len, head)) <= 78
    assert message_from_bytes(raw, policy=policy.default)["Subject"] == subject


def test_who_asked_for_a_test_mail_is_not_said_to_be_chosen_on_a_webhook():
    for kind, chosen in (("test", False), ("failing", True)):
        for text in mail.render(mail.write(kind, Facts(), Now()), ""):
            assert ("you were chosen on the webhook" in text) == chosen


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Of a server whose certificate is good for this machine, and trusted here."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    address = x509.IPAddress(ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .sign(key, SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate = made.public_bytes(Encoding.PEM)
    (tmp_path / "both.pem").write_bytes(secret + certificate)
    (tmp_path / "trusted.pem").write_bytes(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "both.pem")
    return context


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_the_password_of_the_url_is_used(tmp_path: Path):
    async with receiving_mail(auth_require_tls=False, **SIGNED_IN) as boxes:
        await send(with_password(boxes.url, GOOD), tmp_path)
        assert len(boxes.to(OPS)) == 1
        with pytest.raises(MailError, match="refused"):
            await send(with_password(boxes.url, "wrong"), tmp_path)
    assert boxes.logins[0] == ("ada", "p@ss")


async def test_a_server_that_offers_tls_gets_it(tmp_path: Path, tls: ssl.SSLContext):
    """This one takes no password and no mail without."""
    options = SIGNED_IN | {"require_starttls": True}
    async with receiving_mail(tls_context=tls, **options) as boxes:
        await send(with_password(boxes.url, GOOD), tmp_path)
        assert len(boxes.to(OPS)) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_smtps_is_tls_from_the_first_byte(tmp_path: Path, tls: ssl.SSLContext):
    async with receiving_mail(tls, auth_require_tls=False, **SIGNED_IN) as boxes:
        await send(with_password(boxes.url, GOOD), tmp_path)
        assert len(boxes.to(OPS)) == 1


async def test_a_certificate_that_nobody_trusts_is_an_error(
    tmp_path: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SSL_CERT_FILE")
    async with receiving_mail(tls) as boxes:
        with pytest.raises(MailError, match="cannot be used"):
            await send(boxes.url, tmp_path)
        assert boxes.mails == []


async def test_a_server_that_is_away_is_an_error(tmp_path: Path):
    with pytest.raises(MailError, match="cannot be used"):
        await send("smtp://127.0.0.1:9", tmp_path)


@pytest.mark.parametrize("address", ["two@at@example.org", "a\nb@example.org", "@"])
def test_an_address_that_cannot_be_written_is_an_error(address: str):
    written = mail.write("test", Facts(), Now())
    with pytest.raises(MailError):
        envelope.message(written, "a@example.org", address, "x", "", NOW)


async def test_the_way_to_unsubscribe_is_not_encoded_however_long(tmp_path: Path):
    """Mail programs take it as it stands."""
    link = f"<https://hooks.example/unsubscribe/{'x' * 180}>"
    written = mail.write("test", Facts(), Now(page="http://callboard.test/"))
    made = envelope.message(written, "a@example.org", OPS, "x", link[1:-1], NOW)[0]
    async with receiving_mail() as boxes:
        await Mailer(boxes.url, "a@example.org", tmp_path).send(made, OPS, "x")
    await Mailer(None, "a@example.org", tmp_path).send(made, OPS, "x")
    for raw in (boxes.raw[0], (tmp_path / "x.eml").read_bytes()):
        assert f"List-Unsubscribe: {link}".encode() in raw.splitlines()
