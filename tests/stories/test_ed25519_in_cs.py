"""C# gets its arithmetic of Ed25519 from us: it is held against RFC 8032."""

import shutil
from base64 import b64encode
from collections.abc import Iterator

import pytest

from callboard.signing import keys, public
from callboard.signing.schemes import Scheme
from tests.stories.test_snippets import DRIVERS, ED25519_ORDER, MCS, Runner, run
from web.pages.snippets import snippet

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(
        shutil.which("mcs") is None, reason="there is no mcs here: the code is not run"
    ),
]

P = 2**255 - 19
# RFC 8032, section 7.1: public key, message, signature.
VECTORS = {
    "TEST 1": (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    "TEST 2": (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "TEST 3": (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    "TEST SHA(abc)": (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
}

Case = tuple[str, bytes, bytes, bytes]


def genuine() -> list[Case]:
    read = bytes.fromhex
    return [(name, read(a), read(b), read(c)) for name, (a, b, c) in VECTORS.items()]


def spoilt() -> Iterator[Case]:
    _, key, message, signature = genuine()[2]
    yield "another message", key, message + b"\0", signature
    for place in (0, 31, 32, 63):
        changed = bytearray(signature)
        changed[place] ^= 1
        yield f"byte {place} of the signature", key, message, bytes(changed)
    for number, s in enumerate((0, ED25519_ORDER, 2**256 - 1)):
        forged = signature[:32] + _bytes(s)
        yield f"{number}: another S", key, message, forged
    s = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    yield "S + L", key, message, signature[:32] + _bytes(s)
    yield "a short signature", key, message, signature[:63]
    yield "a long signature", key, message, signature + b"\0"
    yield "a short key", key[:31], message, signature
    # With S = 0 and R of the identity, a key that is not looked at would do.
    nothing = _bytes(1) + _bytes(0)
    yield "a key that is y + P", _bytes(1 + P), message, nothing
    yield "a key that is minus nothing", _bytes(1 + 2**255), message, nothing
    yield "a key beside the curve", _bytes(2), message, nothing


def _bytes(number: int) -> bytes:
    return number.to_bytes(32, "little")


def test_the_code_in_cs_agrees_with_the_standard(tmp_path):
    key = keys.generate(Scheme.STANDARD_ED25519)
    shown = keys.public_key(Scheme.STANDARD_ED25519, key)
    assert isinstance(shown, public.PublicKey)
    code = snippet(Scheme.STANDARD_ED25519, "webhook-signature", shown, "cs").code
    (tmp_path / "Verify.cs").write_text(code)
    shutil.copy(DRIVERS / "Ed25519Check.cs", tmp_path)
    steps = ((*MCS, "-out:check.exe", "-recurse:*.cs"), ("mono", "check.exe"))
    cases = [*genuine(), *spoilt()]
    answers = run(Runner("mcs", steps, ""), tmp_path, "".join(map(_line, cases)))
    good = {case[0] for case, said in zip(cases, answers, strict=True) if said == "yes"}
    assert good == set(VECTORS)


def _line(case: Case) -> str:
    return "\t".join(b64encode(each).decode() for each in case[1:]) + "\n"
