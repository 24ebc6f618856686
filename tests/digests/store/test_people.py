"""People's data: erasure, export and retention, over every table."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from digests.errors import InputError, StoreError
from digests.ports import Store
from digests.ports.outbox import LeaseLostError, PlannedPage, PlanSaved
from digests.ports.people import SOMEBODY, Subject, SubjectKind, parse_subject
from digests.ports.workspaces import WorkspaceState
from digests.store import people, schema
from digests.store.people import erasure
from digests.store.tombstones import locate_tombstones
from digests.subscription import Channel, Preferences, Subscription
from tests.builders import NOW, a_store, a_subscription
from tests.digests.store.personal_columns import OTHER_COLUMNS, PERSONAL_COLUMNS
from tests.digests.store.planted_people import (
    ADA,
    ADA_ELSEWHERE,
    LATER,
    NAME,
    OTHER,
    OTHER_NAME,
    PAPER,
    PERSON,
    a_planted_store,
    channel_of,
    digest_of,
    find_traces,
    forget_fingerprints,
    pause_new_digest,
    plant,
    plant_meeting,
    read_tables,
)

pytestmark = pytest.mark.usefixtures("over_both")


def test_every_column_is_classified_as_personal_or_not() -> None:
    for table in schema.metadata.sorted_tables:
        personal = PERSONAL_COLUMNS.get(table.name, frozenset())
        others = OTHER_COLUMNS.get(table.name, frozenset())
        assert not personal & others, table.name
        assert {column.name for column in table.columns} == personal | others, (
            f"classify the columns of {table.name} in tests/digests/store/personal_columns.py; a personal "
            "one also belongs into digests/store/people/, into plant(), and on the page docs/privacy.md"
        )
    assert {*PERSONAL_COLUMNS, *OTHER_COLUMNS} == {*schema.metadata.tables}


def test_the_page_on_privacy_names_every_personal_column() -> None:
    page = (Path(__file__).parents[3] / "docs" / "privacy.md").read_text(encoding="utf-8")
    tables = "|".join(schema.metadata.tables)
    assert set(re.findall(rf"`((?:{tables})\.\w+)`", page)) == {
        f"{table}.{column}" for table, columns in PERSONAL_COLUMNS.items() for column in columns
    }


def test_the_planted_person_is_in_every_personal_column() -> None:
    tables = read_tables(a_planted_store())
    for table, columns in PERSONAL_COLUMNS.items():
        for column in columns - {
            "payload_without_name",
            "before",
        }:  # `before` is the `after` of the next one.
            values = " ".join(str(row[column]) for row in tables[table])
            assert PERSON in values or NAME in values, f"{table}.{column}"


def test_a_forgotten_person_is_in_no_column_of_any_table() -> None:
    store = a_planted_store()
    counts = store.people.count_records(ADA)
    assert find_traces(store, workspace="T1", texts=(PERSON, NAME))
    assert store.people.forget(ADA, now=LATER) == counts
    assert counts == {
        "marks": 2, "digests set up": 1, "pauses": 1, "changes": 2, "decisions": 1, "discussions": 1,
        "queue decisions": 1, "agreements": 1, "linked accounts": 1,
        "requests": 1, "shared cards": 1, "reports": 1, "re-reviews": 1, "opinions": 1,
        "answers about discussions": 1, "notes": 2,
        "plans of meetings": 1, "votes": 1, "meetings led": 1, "places in a rota": 1, "installations": 1,
    }  # fmt: skip
    assert find_traces(store, workspace="T1", texts=(PERSON, NAME)) == []
    assert store.people.count_records(ADA) == {}
    assert not any(store.people.export(ADA).values())


def test_a_person_of_the_same_id_in_another_workspace_and_everybody_else_stay() -> None:
    store = a_planted_store()
    elsewhere, other = ADA_ELSEWHERE, replace(ADA, id=OTHER)
    kept = store.people.export(elsewhere), store.people.export(other)
    store.people.forget(ADA, now=LATER)
    assert (store.people.export(elsewhere), store.people.export(other)) == kept


def test_a_person_without_a_workspace_is_forgotten_in_all_workspaces() -> None:
    store = a_planted_store()
    store.people.forget(replace(ADA, workspace=""), now=LATER)
    assert not any(store.people.export(ADA_ELSEWHERE).values())
    assert not any(PERSON in str(rows) or NAME in str(rows) for rows in read_tables(store).values())
    assert any(store.people.export(replace(ADA, id=OTHER)).values())


def test_a_forgotten_person_leaves_the_meetings_of_one_workspace_alone() -> None:
    store = a_planted_store()
    plant_meeting(store, digest_of("T2"), PERSON, {"by": NAME, "by_id": f"slack:T2:{PERSON}"})
    store.people.forget(ADA, now=LATER)
    left, stayed = (store.meeting_plans.find(digest_of(name)) for name in ("T1", "T2"))
    assert left
    assert stayed
    assert (left.presenter, left.votes, left.members) == ("", {}, ())
    assert (stayed.presenter, stayed.votes) == (PERSON, {PERSON: PAPER})
    assert [member.person for member in stayed.members] == [PERSON]


def test_the_number_of_marks_goes_down_and_the_cards_are_refreshed() -> None:
    store = a_planted_store()
    channel = channel_of("T1")
    assert store.marks.mark_counts(channel, [PAPER]) == {PAPER: 2}
    store.people.forget(ADA, now=LATER)
    assert store.marks.mark_counts(channel, [PAPER]) == {PAPER: 1}
    edits = store.post_edits.claim(now=LATER, interval=timedelta(hours=1), limit=9)
    assert {edit.post.message_id for edit in edits} == {"2.A", "2.B"}
    assert {edit.post.payload["text"] for edit in edits} == {
        f"Shared by {SOMEBODY}",
        f"Shared by {OTHER_NAME}",
    }
    assert "" not in {edit.last_text for edit in edits}, "an edit without a change of the papers is skipped"


def test_the_audit_keeps_that_a_change_was_made_and_undo_still_works() -> None:
    store = a_store()
    channel = channel_of("T1")
    change = pause_new_digest(store, channel, PERSON, by=NAME, by_id=f"slack:T1:{PERSON}")
    theirs = replace(change.after or a_subscription(), preferences=Preferences(top=7))
    last = store.subscriptions.change(channel, theirs, by=OTHER_NAME, by_id=f"slack:T1:{OTHER}", now=NOW)
    store.people.forget(ADA, now=LATER)
    rows = read_tables(store)["subscription_changes"]
    assert PERSON not in str(rows)
    assert NAME not in str(rows)
    assert sorted((row["by"], row["by_id"]) for row in rows) == [
        (OTHER_NAME, f"slack:T1:{OTHER}"), (SOMEBODY, ""), (SOMEBODY, ""),
    ]  # fmt: skip
    stored = store.subscriptions.find(channel)
    assert stored
    assert last
    assert (stored.paused_by, stored.owner_id) == (SOMEBODY, "")
    assert store.subscriptions.undo(last.id, channel, by=OTHER_NAME, by_id="", now=LATER)
    assert store.subscriptions.undo(change.id, channel, by=OTHER_NAME, by_id="", now=LATER)
    resumed = store.subscriptions.find(channel)
    assert resumed
    assert resumed.is_running


def test_whoever_asks_is_forgotten_and_asks_again_leaves_the_days_share_as_it_was() -> None:
    store = a_planted_store()
    store.paper_requests.grant([PAPER], NOW.date())
    before = len(store.paper_requests.list_granted(NOW.date()))
    for hour in range(3):
        store.people.forget(ADA, now=NOW + timedelta(hours=hour))
        store.paper_requests.add(f"2402.1000{hour}", now=NOW, platform="slack", workspace="T1", person=PERSON)
        store.paper_requests.grant([f"2402.1000{hour}"], NOW.date())
    granted = store.paper_requests.list_granted(NOW.date())
    assert len(granted) == before + 3
    assert sum(request.person == PERSON and request.workspace == "T1" for request in granted) == 1


def test_two_requests_that_become_nobodys_are_one_that_stays_granted() -> None:
    store = a_planted_store()
    store.people.forget(replace(ADA, id=OTHER), now=LATER)
    store.paper_requests.grant([PAPER], NOW.date())
    store.people.forget(ADA, now=LATER)
    (nobodys,) = (each for each in store.paper_requests.list_granted(NOW.date()) if each.workspace == "T1")
    assert (nobodys.person, nobodys.granted_on) == ("", NOW.date())


def test_rows_of_older_versions_are_found_by_the_names_of_the_person() -> None:
    store = a_planted_store()
    with store.people.database.write() as connection:  # type: ignore[attr-defined]
        for table in (schema.subscription_changes, schema.holds, schema.discussions):
            column = next(iter(table.primary_key))
            newest = select(column).where(table.c.by == NAME).order_by(column.desc()).limit(1)
            connection.execute(table.update().where(column.in_(newest)).values(by_id=""))
        old = schema.posts.update().where(schema.posts.c.message_id == "2.A")
        escaped = json.dumps({"text": "Shared by Ada \\*Lovelace\\*"})
        connection.execute(old.values(shared_by_id="", payload=escaped, payload_without_name=None))
    store.people.forget(ADA, now=LATER)
    posts = [row for row in read_tables(store)["posts"] if row["workspace"] == "T1"]
    assert not any("Lovelace" in str(row) for row in posts)
    assert any(OTHER_NAME in str(row) for row in posts)


def test_nothing_is_forgotten_by_a_call_that_fails_half_way(monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_planted_store()
    before = read_tables(store)

    def fail(*_: object) -> int:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(erasure, "erase_sharer", fail)
    with pytest.raises(StoreError, match="disk is full"):
        store.people.forget(ADA, now=LATER)
    assert read_tables(store) == before


def test_a_delivery_whose_channel_is_forgotten_ends_without_harm_to_others() -> None:
    store = a_store()
    for name in ("one", "two"):
        save = Subscription(Channel("console", name), a_subscription().preferences, a_subscription().schedule)
        store.subscriptions.change(save.channel, save, by="Ada", now=NOW - timedelta(days=1))
    claims = store.outbox.claim_due(owner="w", now=NOW, lease=timedelta(minutes=5), limit=9)
    assert len(claims) == 2
    store.people.forget(Subject(SubjectKind.CHANNEL, "console", "", "one"), now=NOW)
    for claim in claims:
        saved = PlanSaved(replace(claim, pages=(PlannedPage(0, "k-1", {"text": "x"}, (), False),)), 1)
        if claim.subscription.channel.channel == "one":
            with pytest.raises(LeaseLostError):
                store.outbox.apply([saved])
        else:
            store.outbox.apply([saved])


def test_counting_changes_nothing_and_forgetting_twice_does_nothing_more() -> None:
    store = a_planted_store()
    before = read_tables(store)
    assert store.people.count_records(ADA)
    assert read_tables(store) == before
    store.people.forget(ADA, now=LATER)
    after = read_tables(store)
    assert store.people.forget(ADA, now=LATER) == {}
    assert {name: rows for name, rows in read_tables(store).items() if name != "notes"} == {
        name: rows for name, rows in after.items() if name != "notes"
    }


def test_a_forgotten_workspace_leaves_nothing_and_others_stay() -> None:
    store = a_planted_store()
    kept = store.people.export(ADA_ELSEWHERE)
    counts = store.people.forget(Subject(SubjectKind.WORKSPACE, "slack", "T1"), now=LATER)
    assert counts["digests"] == 2
    assert counts["entries in the list"] == 1
    traces = [row for rows in read_tables(store).values() for row in rows if "T1" in str(list(row.values()))]
    assert [row["reason"] for row in traces if row.get("reason") != "suspect"] == [], traces
    assert not any(OTHER_NAME in str(rows) or OTHER in str(rows) for rows in _decisions(store))
    assert store.people.export(ADA_ELSEWHERE) == kept
    assert [each.id for each in store.workspaces.list_all()] == ["T2"]


def _decisions(store: Store) -> list[Any]:
    return [[row["by"], row["by_id"]] for row in read_tables(store)["holds"]]


def test_a_denied_workspace_stays_denied_without_its_name() -> None:
    store = a_store()
    store.workspaces.record_requests("discord", {"1": "Ada's place"}, now=NOW)
    store.workspaces.decide("discord", "1", WorkspaceState.DENIED, now=NOW)
    store.people.forget(Subject(SubjectKind.WORKSPACE, "discord", "1"), now=LATER)
    (entry,) = store.workspaces.list_all()
    assert (entry.name, entry.state) == ("", WorkspaceState.DENIED)


def test_a_forgotten_channel_leaves_nothing_and_others_stay() -> None:
    store = a_planted_store()
    kept = store.people.export(ADA_ELSEWHERE)
    store.people.forget(Subject(SubjectKind.CHANNEL, "slack", "T1", "CT1"), now=LATER)
    store.people.forget(Subject(SubjectKind.CHANNEL, "slack", "T1", "CT1A"), now=LATER)
    assert not any(
        f"'{name}'" in str(rows) for rows in read_tables(store).values() for name in ("CT1", "CT1A")
    )
    assert any("'CT1B'" in str(rows) for rows in read_tables(store).values())
    assert store.people.export(ADA_ELSEWHERE) == kept


def test_the_export_has_every_record_as_json() -> None:
    records = a_planted_store().people.export(ADA)
    assert {kind: len(rows) for kind, rows in records.items()} == {
        "marks": 2, "requests": 1, "digests set up": 1, "pauses": 1, "changes": 2, "decisions": 1,
        "discussions": 1, "queue decisions": 1, "agreements": 1, "linked accounts": 1, "shared cards": 1,
        "own digests": 0, "reports": 1,
        "re-reviews": 1, "opinions": 1, "answers about discussions": 1, "notes": 2,
        "plans of meetings": 1, "places in a rota": 1, "meetings led": 1, "votes": 1, "installations": 1,
    }  # fmt: skip
    text = json.dumps(records)
    assert OTHER not in text
    assert "T2" not in text


@pytest.mark.parametrize("text", ["", "slack", "slack:T1", ":T1:U1", "slack:T1:", "slack:T1:U1:x", "a\nb"])
def test_an_id_of_another_shape_is_refused_with_the_shape(text: str) -> None:
    with pytest.raises(InputError, match="PLATFORM:WORKSPACE:PERSON"):
        parse_subject(SubjectKind.PERSON, text)


def test_ids_are_read_as_they_are_written() -> None:
    assert parse_subject(SubjectKind.PERSON, f"slack:T1:{PERSON}") == ADA
    assert str(parse_subject(SubjectKind.WORKSPACE, "discord:1")) == "discord:1"
    assert str(parse_subject(SubjectKind.CHANNEL, "discord::2")) == "discord::2"


# Retention.

YEAR = timedelta(days=365)


def test_old_names_are_pruned_in_batches_and_younger_ones_stay() -> None:
    store = a_planted_store()
    young = channel_of("T1")
    store.people.prune(before=NOW, limit=100)
    assert any(store.people.export(ADA).values())
    batches = 0
    while store.people.prune(before=NOW + timedelta(seconds=1), limit=1) == 1:
        batches += 1
        assert batches < 50
    assert batches == 6  # Three people changed a digest twice.
    records = store.people.export(ADA)
    assert {kind for kind, rows in records.items() if rows} == {
        "marks", "requests", "digests set up", "places in a rota", "meetings led", "linked accounts",
        "answers about discussions", "notes", "installations",
    }  # fmt: skip
    assert [row["is_on"] for row in records["marks"]] == [True]
    assert store.marks.mark_counts(young, [PAPER]) == {PAPER: 2}
    tables = read_tables(store)
    assert not any(NAME in str(rows) for name, rows in tables.items() if name not in ("notes", "paper_notes"))
    stored = store.subscriptions.find(digest_of("T1"))
    assert stored
    assert not stored.is_running


def test_a_person_who_is_called_somebody_is_pruned_too() -> None:
    store = a_store()
    plant(store, "T1", PERSON, SOMEBODY)
    store.people.prune(before=LATER, limit=100)
    assert store.people.prune(before=LATER, limit=100) == 0
    assert {kind for kind, rows in store.people.export(ADA).items() if rows} == {
        "marks", "requests", "digests set up", "places in a rota", "meetings led", "linked accounts",
        "answers about discussions", "notes", "installations",
    }  # fmt: skip


def test_a_pause_can_be_undone_after_its_names_were_pruned() -> None:
    store = a_planted_store()
    store.people.prune(before=LATER, limit=100)
    last = max(row["id"] for row in read_tables(store)["subscription_changes"])
    channel = digest_of("T2")
    assert store.subscriptions.undo(last, channel, by=OTHER_NAME, by_id="", now=LATER)
    stored = store.subscriptions.find(channel)
    assert stored
    assert stored.is_running


def test_rows_that_are_older_than_their_tombstone_are_erased_again_in_either_database(tmp_path: Path) -> None:
    store = a_planted_store()
    database = store.people.database  # type: ignore[attr-defined]
    with_file = people.SqlPeople(database, locate_tombstones(None, tmp_path / "tombstones"))
    for subject in (ADA, Subject(SubjectKind.CHANNEL, "slack", "T2", "CT2"), ADA):
        with_file.forget(subject, now=LATER)
    plant(store, "T1", PERSON, NAME)
    plant(store, "T2", PERSON, NAME)
    assert with_file.reapply_tombstones() == {}, "this database has seen them all"
    forget_fingerprints(store)
    assert with_file.reapply_tombstones()["marks"] == 4
    assert find_traces(store, workspace="T1", texts=(PERSON, NAME)) == []
    assert not any("'CT2'" in str(rows) for rows in read_tables(store).values())
    assert store.people.export(ADA_ELSEWHERE)["digests set up"], "another channel there stays"
    assert with_file.reapply_tombstones() == {}
