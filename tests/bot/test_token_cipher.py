"""Encryption of tokens: keys, their rotation, and what a wrong or lost key says."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cli.keys import list_keys, rotate_keys
from bot.token_cipher import TokenCipher, TokenKeyError, create_key, identify_key
from config.problems import SettingsError
from config.secrets import read_token_keys
from digests.ports import Store
from digests.ports.installations import Installation, SealedTokens
from tests.builders import NOW, a_store, an_installation

OLD, NEW, LOST = create_key(), create_key(), create_key()
TOKENS = {"access": "xoxb-1", "refresh": ""}
LIFETIME = timedelta(minutes=10)


def save_sealed(store: Store, workspace: str, key: str) -> Installation:
    text = TokenCipher([key]).encrypt(f"slack:{workspace}", TOKENS)
    return store.installations.save(
        an_installation(workspace, tokens=SealedTokens(text, identify_key(key), NOW))
    )


def test_a_ciphertext_shows_nothing_and_decrypts_with_its_key() -> None:
    text = TokenCipher([OLD]).encrypt("slack:T1", TOKENS)
    assert "xoxb" not in text
    assert TokenCipher([NEW, OLD]).decrypt("slack:T1", text, identify_key(OLD)) == TOKENS


def test_the_first_key_encrypts() -> None:
    both = TokenCipher([NEW, OLD])
    assert both.key_id == identify_key(NEW)
    assert TokenCipher([NEW]).decrypt("a:b", both.encrypt("a:b", TOKENS), both.key_id) == TOKENS


def test_a_lost_key_is_named() -> None:
    text = TokenCipher([LOST]).encrypt("slack:T1", TOKENS)
    with pytest.raises(TokenKeyError) as raised:
        TokenCipher([NEW, OLD]).decrypt("slack:T1", text, identify_key(LOST))
    sentence = str(raised.value)
    assert all(identify_key(key) in sentence for key in (LOST, NEW, OLD))
    assert not any(key in sentence for key in (LOST, NEW, OLD))


def test_tokens_in_the_row_of_another_are_refused() -> None:
    cipher = TokenCipher([NEW])
    text = cipher.encrypt("slack:T1", TOKENS)
    with pytest.raises(TokenKeyError, match=r"row of slack:T2 are those of slack:T1"):
        cipher.decrypt("slack:T2", text, cipher.key_id)


@pytest.mark.parametrize("damage", ["", "x", "gAAAA", "é"])
def test_damaged_tokens_are_not_taken_for_a_lost_key(damage: str) -> None:
    cipher = TokenCipher([NEW])
    with pytest.raises(TokenKeyError, match="damaged"):
        cipher.decrypt("slack:T1", damage, cipher.key_id)


@pytest.mark.parametrize("keys", [[], ["short"], [NEW, "x" * 44], ["é"]])
def test_a_key_of_another_form_is_refused_without_being_shown(keys: list[str]) -> None:
    with pytest.raises(SettingsError, match="PAPERROUND_TOKEN_KEYS") as raised:
        TokenCipher(keys)
    assert not any(key in str(raised.value) for key in keys if len(key) > 5)


def test_keys_are_read_from_words_and_commas() -> None:
    assert read_token_keys({"PAPERROUND_TOKEN_KEYS": f" {NEW},{OLD}\n"}) == (NEW, OLD)
    assert read_token_keys({}) == ()


def test_a_state_is_ours_for_its_lifetime() -> None:
    cipher = TokenCipher([OLD])
    state = cipher.issue_state(NOW)
    rotated = TokenCipher([NEW, OLD])
    nonce = rotated.read_state(state, now=NOW + LIFETIME - timedelta(seconds=1), lifetime=LIFETIME)
    assert nonce
    assert rotated.read_state(state, now=NOW + LIFETIME, lifetime=LIFETIME) == ""
    assert rotated.read_state(state, now=NOW - LIFETIME, lifetime=LIFETIME) == ""
    assert TokenCipher([NEW]).read_state(state, now=NOW, lifetime=LIFETIME) == ""
    assert cipher.read_state(cipher.issue_state(NOW), now=NOW, lifetime=LIFETIME) != nonce


def test_tokens_are_no_state_and_a_state_no_tokens() -> None:
    cipher = TokenCipher([NEW])
    assert cipher.read_state(cipher.encrypt("a:b", TOKENS), now=NOW, lifetime=LIFETIME) == ""
    with pytest.raises(TokenKeyError):
        cipher.decrypt("a:b", cipher.issue_state(NOW), cipher.key_id)


def test_a_rotation_encrypts_everything_with_the_first_key_and_names_what_it_cannot_read() -> None:
    store, cipher = a_store(), TokenCipher([NEW, OLD])
    for workspace, key in (("T1", OLD), ("T2", NEW), ("T3", LOST)):
        save_sealed(store, workspace, key)
    lost = store.installations.find("slack", "T3")
    rotation = rotate_keys(store.installations, cipher)
    assert (rotation.changed, rotation.unchanged, len(rotation.failures)) == (1, 1, 1)
    assert identify_key(LOST) in rotation.failures[0]
    assert store.installations.find("slack", "T3") == lost
    rotated = store.installations.find("slack", "T1")
    assert rotated
    assert TokenCipher([NEW]).decrypt("slack:T1", rotated.tokens.text, identify_key(NEW)) == TOKENS
    assert rotated.tokens.expires_at == NOW
    again = rotate_keys(store.installations, cipher)
    assert (again.changed, again.unchanged) == (0, 2)


def test_a_rotation_reads_tokens_again_that_change_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    store, cipher = a_store(), TokenCipher([NEW, OLD])
    stale = save_sealed(store, "T1", OLD)
    fresh = save_sealed(store, "T1", OLD)
    ended = save_sealed(store, "T2", OLD)
    store.installations.end(ended, now=NOW)
    listing = [stale, ended]
    monkeypatch.setattr(type(store.installations), "list_all", lambda self: listing)
    rotation = rotate_keys(store.installations, cipher)
    assert (rotation.changed, rotation.unchanged, rotation.failures) == (1, 0, [])
    found = store.installations.find("slack", "T1")
    assert found
    assert found.revision not in (stale.revision, fresh.revision)


def test_the_list_of_keys_counts_installations_and_names_a_missing_key() -> None:
    store = a_store()
    for workspace, key in (("T1", OLD), ("T2", LOST)):
        save_sealed(store, workspace, key)
    store.installations.end(save_sealed(store, "T3", LOST), now=NOW)
    lines = list_keys(store.installations, TokenCipher([NEW, OLD]))
    assert [line.split("  ")[0] for line in lines] == [identify_key(key) for key in (NEW, OLD, LOST)]
    assert "0 installations" in lines[0]
    assert "1 installation" in lines[1]
    assert "missing" in lines[2]


def test_tokens_and_keys_are_in_no_representation() -> None:
    sealed = replace(an_installation(), tokens=SealedTokens("ciphertext", "1"))
    assert "ciphertext" not in repr(sealed)
