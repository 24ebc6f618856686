"""Installations: saved, renewed by one of several, ended, and found by workspace or organization."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from digests.ports import Store
from digests.ports.installations import Installation, SealedTokens
from digests.ports.people import Subject, SubjectKind
from tests.builders import NOW, a_store, an_installation

pytestmark = pytest.mark.usefixtures("over_both")

LEASE = timedelta(seconds=30)
LATER = NOW + timedelta(hours=1)
NEW_TOKENS = SealedTokens("sealed anew", "33334444", LATER)


def find(store: Store, workspace: str = "T1") -> Installation:
    found = store.installations.find("slack", workspace)
    assert found
    return found


def test_an_installation_comes_back_as_it_was_saved() -> None:
    store = a_store()
    saved = store.installations.save(an_installation(tokens=SealedTokens("sealed", "11112222", LATER)))
    assert find(store) == saved
    assert saved.revision
    assert store.installations.list_all() == [saved]
    assert store.installations.find("other", "T1") is None


def test_a_second_installation_of_a_workspace_takes_the_place_of_the_first() -> None:
    store = a_store()
    first = store.installations.save(an_installation())
    second = store.installations.save(an_installation(name="The new lab", scopes=frozenset({"a", "b"})))
    assert first.revision != second.revision
    assert store.installations.list_all() == [second]


def test_a_workspace_that_installs_many_times_at_once_has_one_of_them() -> None:
    store = a_store()
    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(store.installations.save, [an_installation(name=f"{n}") for n in range(16)]))
    (kept,) = store.installations.list_all()
    assert kept in saved


def test_tokens_are_replaced_for_the_revision_that_the_caller_knows() -> None:
    store = a_store()
    saved = store.installations.save(an_installation())
    changed = store.installations.replace_tokens(saved, NEW_TOKENS)
    assert changed
    assert find(store) == changed
    assert changed.tokens == NEW_TOKENS
    assert store.installations.replace_tokens(saved, SealedTokens("late", "5")) is None
    assert find(store) == changed


def test_of_many_replacements_at_once_one_counts() -> None:
    store = a_store()
    saved = store.installations.save(an_installation())
    tokens = [SealedTokens(f"{number}", "k") for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda each: store.installations.replace_tokens(saved, each), tokens))
    (winner,) = filter(None, done)
    assert find(store) == winner


def test_one_owner_renews_until_its_lease_ends() -> None:
    store = a_store()
    saved = store.installations.save(an_installation())
    claim = store.installations.claim_renewal
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda n: claim(saved, f"{n}", now=NOW, lease=LEASE), range(16)))
    assert sum(claims) == 1
    assert not claim(saved, "late", now=NOW + LEASE - timedelta(seconds=1), lease=LEASE)
    assert claim(saved, "next", now=NOW + LEASE, lease=LEASE)
    changed = store.installations.replace_tokens(saved, NEW_TOKENS)
    assert changed
    assert not claim(saved, "stale", now=LATER, lease=LEASE)
    assert claim(changed, "fresh", now=NOW, lease=LEASE), "a new revision has no lease"


def test_a_lease_of_a_clock_that_was_far_ahead_counts_for_nothing() -> None:
    store = a_store()
    saved = store.installations.save(an_installation())
    assert store.installations.claim_renewal(saved, "ahead", now=NOW + timedelta(days=9), lease=LEASE)
    assert store.installations.claim_renewal(saved, "right", now=NOW, lease=LEASE)


def test_a_problem_is_new_once_and_ends_with_new_tokens() -> None:
    store = a_store()
    saved = store.installations.save(an_installation())
    assert store.installations.record_problem(saved, "Slack does not renew it.")
    assert not store.installations.record_problem(saved, "Slack does not renew it.")
    assert find(store).problem == "Slack does not renew it."
    changed = store.installations.replace_tokens(saved, NEW_TOKENS)
    assert changed
    assert find(store).problem == ""
    assert not store.installations.record_problem(saved, "too late")


def test_an_end_deletes_the_tokens_and_keeps_the_rest() -> None:
    store = a_store()
    saved = store.installations.save(an_installation())
    assert store.installations.end(saved, now=LATER)
    assert not store.installations.end(saved, now=LATER)
    ended = find(store)
    assert (ended.ended_at, ended.tokens.text, ended.name) == (LATER, "", "The lab")
    assert store.installations.replace_tokens(saved, NEW_TOKENS) is None
    assert not store.installations.claim_renewal(saved, "one", now=NOW, lease=LEASE)


def test_a_late_end_does_not_reach_a_new_installation() -> None:
    store = a_store()
    old = store.installations.save(an_installation())
    new = store.installations.save(an_installation())
    assert not store.installations.end(old, now=LATER)
    assert find(store) == new
    assert store.installations.end(new, now=LATER)
    back = store.installations.save(an_installation())
    assert find(store) == back
    assert back.ended_at is None


def test_a_workspace_has_the_installation_of_its_organization_unless_it_has_its_own() -> None:
    store = a_store()
    whole = store.installations.save(an_installation("E1", is_organization=True))
    assert store.installations.find("slack", "T1") is None
    for workspace in ("T1", "T1", "T0"):
        store.installations.add_member("slack", workspace, "E1")
    assert store.installations.list_members("slack", "E1") == ["T0", "T1"]
    assert find(store) == whole
    own = store.installations.save(an_installation("T1"))
    assert find(store) == own
    store.installations.end(own, now=LATER)
    assert find(store) == whole
    store.installations.end(whole, now=LATER)
    assert find(store) == replace(own, ended_at=LATER, tokens=SealedTokens("", "11112222"))
    store.installations.remove_members("slack", ["T1", "T9"])
    store.installations.save(whole)
    assert find(store).workspace == "T1"


def test_a_forgotten_organization_leaves_no_member_and_no_tokens() -> None:
    store = a_store()
    store.installations.save(an_installation("E1", is_organization=True))
    store.installations.add_member("slack", "T1", "E1")
    store.people.forget(Subject(SubjectKind.WORKSPACE, "slack", "E1"), now=LATER)
    assert store.installations.list_all() == []
    store.installations.save(an_installation("E1", is_organization=True))
    assert store.installations.find("slack", "T1") is None


def test_a_workspace_that_was_installed_again_is_not_erased_for_its_removal() -> None:
    store = a_store()
    store.workspaces.record_removal("slack", ["T1"], now=NOW)
    store.installations.save(an_installation(installed_at=LATER))
    workspace = Subject(SubjectKind.WORKSPACE, "slack", "T1")
    days_later = NOW + timedelta(days=40)
    assert store.people.forget_removed(workspace, before=days_later, now=days_later) is None
    assert find(store).installed_at == LATER
