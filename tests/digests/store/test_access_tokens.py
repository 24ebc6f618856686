"""Access tokens in the store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digests.errors import StoreError
from digests.ports import Store
from digests.ports.access_tokens import TokenScope, TokenUse
from digests.ports.notes import RESTORED_NOTE
from digests.ports.people import Subject, SubjectKind
from digests.ports.workspaces import WorkspaceState
from tests.builders import NOW, a_store

pytestmark = pytest.mark.usefixtures("over_both")

TEAM = TokenScope("slack", "T1")
LATER = NOW + timedelta(hours=1)


def create(store: Store, use: TokenUse = TokenUse.MCP, scope: TokenScope = TEAM) -> str:
    _, text = store.access_tokens.create(use, scope, label="laptop", by="root", now=NOW)
    return text


def is_valid(store: Store, text: str, use: TokenUse = TokenUse.MCP) -> bool:
    return store.access_tokens.authenticate(text, use, now=LATER) is not None


def test_a_token_names_its_workspace_and_who_made_it_and_is_used() -> None:
    store = a_store()
    token, text = store.access_tokens.create(TokenUse.MCP, TEAM, label="laptop", by="root", now=NOW)
    found = store.access_tokens.authenticate(text, TokenUse.MCP, now=LATER)
    assert found == token
    assert (token.scope, token.label, token.created_by, token.created_at) == (TEAM, "laptop", "root", NOW)
    (listed,) = store.access_tokens.list_all()
    assert listed == replace(token, last_used_at=LATER)


def test_a_text_that_is_not_exactly_the_token_is_refused() -> None:
    store = a_store()
    text, other = create(store), create(store)
    start, secret = text.split("_1_", 1)
    assert not is_valid(store, text[:-1])
    assert not is_valid(store, text + "a")
    assert not is_valid(store, f"{start}_2_{secret}"), "the secret of one token, the number of another"
    assert not is_valid(store, f"{start}_{'9' * 60}_{secret}")
    for odd in ("", "_", "____", "paperround_mcp_1_", "é" * 50, "x" * 10**6, f" {text}", text.upper()):
        assert not is_valid(store, odd)
    assert is_valid(store, text)
    assert is_valid(store, other)


def test_a_token_has_one_use() -> None:
    store = a_store()
    program, page = create(store), create(store, TokenUse.WEB, TokenScope())
    assert not is_valid(store, program, TokenUse.WEB)
    assert not is_valid(store, page)
    assert not is_valid(store, program.replace("_mcp_", "_web_"), TokenUse.WEB)
    assert is_valid(store, page, TokenUse.WEB)


def test_a_revoked_token_stays_in_the_list_and_is_refused_at_once() -> None:
    store = a_store()
    text, other = create(store), create(store)
    revoked = store.access_tokens.revoke(1, by="root", now=LATER)
    assert not is_valid(store, text)
    assert is_valid(store, other)
    assert revoked
    assert (revoked.revoked_at, revoked.revoked_by, revoked.is_valid) == (LATER, "root", False)
    assert store.access_tokens.revoke(1, by="somebody", now=LATER + timedelta(1)) == revoked
    assert store.access_tokens.revoke(99, by="root", now=LATER) is None
    assert [token.is_valid for token in store.access_tokens.list_all()] == [False, True]


def test_a_restored_backup_does_not_bring_a_revoked_token_back() -> None:
    store = a_store()
    text = create(store)
    store.notes.write(RESTORED_NOTE, (NOW + timedelta(minutes=1)).isoformat())
    assert not is_valid(store, text)
    (old,) = store.access_tokens.list_all()
    assert old.is_restored
    _, new = store.access_tokens.create(TokenUse.MCP, TEAM, label="", by="root", now=LATER)
    assert is_valid(store, new)
    store.notes.write(RESTORED_NOTE, "yesterday, I think")
    assert not is_valid(store, new)


def test_a_denied_workspace_has_no_valid_token() -> None:
    store = a_store()
    text = create(store)
    store.workspaces.decide("slack", "T1", WorkspaceState.DENIED, now=NOW)
    assert not is_valid(store, text)
    store.workspaces.decide("slack", "T1", WorkspaceState.SERVED, now=NOW)
    assert is_valid(store, text)


def test_the_tokens_of_a_workspace_are_forgotten_with_it() -> None:
    store = a_store()
    ours, page = create(store), create(store, TokenUse.WEB, TokenScope())
    theirs = create(store, scope=TokenScope("slack", "T2", "C2"))
    counts = store.people.forget(Subject(SubjectKind.WORKSPACE, "slack", "T1"), now=LATER)
    assert counts == {"access tokens": 1}
    assert not is_valid(store, ours)
    assert is_valid(store, theirs)
    assert is_valid(store, page, TokenUse.WEB)
    store.people.forget(Subject(SubjectKind.CHANNEL, "slack", "T2", "C2"), now=LATER)
    assert not is_valid(store, theirs)


def test_a_program_that_asks_often_writes_once_a_minute() -> None:
    store = a_store()
    text = create(store)
    for seconds in (0, 30, 59, 60):
        store.access_tokens.authenticate(text, TokenUse.MCP, now=LATER + timedelta(seconds=seconds))
    assert store.access_tokens.list_all()[0].last_used_at == LATER + timedelta(seconds=60)
    store.access_tokens.authenticate(text, TokenUse.MCP, now=LATER + timedelta(seconds=100))
    assert store.access_tokens.list_all()[0].last_used_at == LATER + timedelta(seconds=60)


def test_no_secret_is_in_the_store() -> None:
    store = a_store()
    secret = create(store).split("_", 3)[3]
    assert secret not in repr(store.access_tokens.list_all())
    assert len(secret) >= 40
    assert create(store).split("_", 3)[3] != secret


def test_a_store_that_cannot_be_written_still_knows_its_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store()
    _, text = store.access_tokens.create(TokenUse.WEB, TokenScope(), label="", by="root", now=NOW)

    def fail(*_: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr("digests.store.engine.Database.write", fail)
    assert store.access_tokens.authenticate(text, TokenUse.WEB, now=LATER)
    assert not store.access_tokens.list_all()[0].last_used_at
