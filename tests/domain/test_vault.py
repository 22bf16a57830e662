import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.vault import Vault, VaultError

OLD, NEW = "old " * 8, "new " * 8


@given(secret=st.text(), context=st.text())
def test_what_is_sealed_can_be_opened(secret, context):
    vault = Vault([NEW])
    assert vault.unseal(vault.seal(secret, context), context) == secret


def test_a_sealed_secret_shows_nothing_and_never_looks_the_same():
    vault = Vault([NEW])
    sealed = {vault.seal("whsec_open", "wh_1") for _ in range(10)}
    assert len(sealed) == 10
    assert not any("open" in text for text in sealed)


def test_keys_change_without_a_gap():
    sealed = Vault([OLD]).seal("s", "wh_1")
    both = Vault([NEW, OLD])
    assert both.unseal(sealed, "wh_1") == "s"
    assert Vault([NEW]).unseal(both.seal("s", "wh_1"), "wh_1") == "s"


def test_what_an_older_key_sealed_can_be_told():
    old = Vault([OLD]).seal("s", "wh_1")
    both = Vault([NEW, OLD])
    assert both.is_old(old, "wh_1")
    assert not both.is_old(both.seal("s", "wh_1"), "wh_1")


@pytest.mark.parametrize(
    ("keys", "change", "context"),
    [
        pytest.param([NEW], str, "wh_1", id="the key is gone"),
        pytest.param([OLD], str, "wh_2", id="moved to another row"),
        pytest.param([OLD], lambda text: text[:-6] + "AAAA==", "wh_1", id="changed"),
        pytest.param([OLD], lambda text: text[:20], "wh_1", id="cut short"),
        pytest.param([OLD], lambda text: text[3:], "wh_1", id="no mark"),
        pytest.param([OLD], lambda text: "", "wh_1", id="empty"),
        pytest.param([OLD], lambda text: "v1.é", "wh_1", id="other text"),
    ],
)
def test_what_does_not_open(keys, change, context):
    sealed = change(Vault([OLD]).seal("topsecret", "wh_1"))
    with pytest.raises(VaultError) as refusal:
        Vault(keys).unseal(sealed, context)
    assert "topsecret" not in str(refusal.value)


def test_a_lost_key_is_explained():
    with pytest.raises(VaultError, match=r"No key in SECRET_KEY opens .* wh_1"):
        Vault([NEW]).unseal(Vault([OLD]).seal("s", "wh_1"), "wh_1")


@pytest.mark.parametrize("keys", [[], [""], [NEW, ""]])
def test_a_vault_without_a_key_does_not_start(keys):
    with pytest.raises(ValueError, match="at least one key"):
        Vault(keys)
