"""The allow-list of workspaces: requests, decisions, and the first one."""

from datetime import timedelta

import pytest

from digests.ports import Store
from digests.ports.workspaces import WorkspaceState
from tests.builders import NOW, a_store

pytestmark = pytest.mark.usefixtures("over_both")

LATER = NOW + timedelta(hours=1)


def states(store: Store) -> dict[str, WorkspaceState]:
    return {one.id: one.state for one in store.workspaces.list_all()}


def test_the_first_workspace_is_served_and_no_later_one_takes_its_place() -> None:
    store = a_store()
    assert store.workspaces.serve_first("discord", "1", now=NOW)
    assert not store.workspaces.serve_first("discord", "2", now=LATER)
    assert not store.workspaces.serve_first("discord", "1", now=LATER)
    assert store.workspaces.list_served("discord") == {"1"}
    assert store.workspaces.serve_first("other", "2", now=LATER)


@pytest.mark.parametrize("state", list(WorkspaceState))
def test_a_platform_with_any_entry_has_no_first_workspace(state: WorkspaceState) -> None:
    store = a_store()
    store.workspaces.decide("discord", "1", state, now=NOW)
    assert not store.workspaces.serve_first("discord", "2", now=LATER)


def test_a_new_workspace_asks_once_and_its_name_is_kept_current() -> None:
    store = a_store()
    store.workspaces.decide("discord", "1", WorkspaceState.SERVED, now=NOW)
    (new,) = store.workspaces.record_requests("discord", {"1": "Ours", "2": "Theirs"}, now=LATER)
    assert (new.id, new.name, new.state, new.at) == ("2", "Theirs", WorkspaceState.ASKED, LATER)
    assert store.workspaces.record_requests("discord", {"1": "", "2": "Renamed"}, now=LATER) == []
    assert {one.id: one.name for one in store.workspaces.list_all()} == {"1": "Ours", "2": "Renamed"}
    assert store.workspaces.list_served("discord") == {"1"}


def test_a_request_ends_with_the_membership_and_a_decision_does_not() -> None:
    store = a_store()
    for workspace, state in (("1", WorkspaceState.SERVED), ("2", WorkspaceState.DENIED)):
        store.workspaces.decide("discord", workspace, state, now=NOW)
    store.workspaces.decide("other", "4", WorkspaceState.ASKED, now=NOW)
    store.workspaces.record_requests("discord", {"3": "Theirs"}, now=NOW)
    store.workspaces.record_requests("discord", {}, now=LATER)
    assert states(store) == {
        "1": WorkspaceState.SERVED,
        "2": WorkspaceState.DENIED,
        "4": WorkspaceState.ASKED,
    }


def test_a_decision_replaces_the_one_before() -> None:
    store = a_store()
    store.workspaces.record_requests("discord", {"1": "Theirs"}, now=NOW)
    for state in (WorkspaceState.SERVED, WorkspaceState.DENIED):
        store.workspaces.decide("discord", "1", state, now=LATER)
    (entry,) = store.workspaces.list_all()
    assert (entry.name, entry.state, entry.at) == ("Theirs", WorkspaceState.DENIED, LATER)
    assert store.workspaces.list_served("discord") == frozenset()
    assert store.workspaces.list_denied("discord") == {"1"}


def test_workspaces_with_digests_are_served_unless_they_are_denied() -> None:
    store = a_store()
    store.workspaces.decide("discord", "1", WorkspaceState.DENIED, now=NOW)
    store.workspaces.decide("discord", "2", WorkspaceState.ASKED, now=NOW)
    store.workspaces.serve_undecided("discord", ["1", "2", "3"], now=LATER)
    assert store.workspaces.list_served("discord") == {"2", "3"}
    store.workspaces.serve_undecided("discord", [], now=LATER)
