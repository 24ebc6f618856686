"""Implementation of `digests.ports.people.People`: what is kept about people, its erasure and retention."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    true,
    tuple_,
    update,
)

from digests.ports.people import SOMEBODY, Counts, Subject, SubjectKind
from digests.store import schema
from digests.store.account_links import delete_lone_links
from digests.store.discussions import edit_agendas
from digests.store.engine import Database, insert_if_absent, upsert
from digests.store.people_of_meetings import (
    erase_from_meetings,
    list_old_meeting_records,
    list_people_of_meetings,
    prune_meeting_rows,
    select_meeting_records,
    select_plans,
)
from digests.store.post_refreshes import enqueue_refreshes
from digests.store.tombstones import Addition, Tombstone, TombstoneFile, find_latest

marks, posts, post_papers = schema.marks, schema.posts, schema.post_papers
subscriptions, changes, deliveries = schema.subscriptions, schema.subscription_changes, schema.deliveries
discussions, holds, requests, workspaces, removals = (
    schema.discussions, schema.holds, schema.paper_requests, schema.workspaces, schema.removals,
)  # fmt: skip
reports, re_reviews, feedback = schema.review_reports, schema.re_reviews, schema.feedback
queue_decisions, consents = schema.queue_decisions, schema.queue_consents
account_links, link_codes = schema.account_links, schema.link_codes
answers, paper_notes = schema.discussion_answers, schema.paper_notes
tokens = schema.access_tokens
plans, meetings, votes = schema.meeting_plans, schema.meetings, schema.meeting_votes
installations, members = schema.installations, schema.organization_members

AUDITED: Mapping[str, Table] = {
    "changes": changes,
    "decisions": holds,
    "discussions": discussions,
    "queue decisions": queue_decisions,
    "plans of meetings": plans,
    "agreements": consents,
    "re-reviews": re_reviews,
}
"""Tables that keep who did something, as `by` and `by_id`, by the word for their records."""

POSTS_PER_PAPER = 3
"""Messages of a channel that are refreshed after marks of a paper were erased: the newest that show it."""


_WITH_CHANNEL = (
    subscriptions,
    posts,
    marks,
    discussions,
    queue_decisions,
    consents,
    feedback,
    answers,
    paper_notes,
    tokens,
)
"""Tables whose rows belong to a channel, or to all of a workspace."""

_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SqlPeople:
    """Records about people in SQLite or PostgreSQL.

    `tombstones` is None for a store in memory, which has no backups.
    """

    database: Database
    tombstones: TombstoneFile | None

    def count_records(self, subject: Subject) -> Counts:
        with self.database.write() as connection:
            counts = _erase_subject(connection, subject, now=_NEVER)
            connection.rollback()
        return counts

    def forget(self, subject: Subject, *, now: datetime) -> Counts:
        added = self.tombstones.add(subject, now) if self.tombstones else None
        with self.database.write(lock_name="people") as connection:
            counts = _erase_subject(connection, subject, now=now)
            if added:
                _note_addition(connection, added)
        self._overwrite_log()
        return counts

    def forget_removed(self, workspace: Subject, *, before: datetime, now: datetime) -> Counts | None:
        is_removal = and_(
            removals.c.platform == workspace.platform, removals.c.workspace == workspace.workspace
        )
        removal = select(removals.c.at).where(is_removal, removals.c.at < before).with_for_update()
        with self.database.write(lock_name="people") as connection:
            removed_at = connection.execute(removal).scalar()
            if removed_at is None:
                return None
            if _was_used_since(connection, workspace, removed_at):
                connection.execute(delete(removals).where(is_removal))
                return None
            # Before the commit: an erasure that a crash undoes is repeated at the next start.
            added = self.tombstones.add(workspace, now) if self.tombstones else None
            counts = _erase_subject(connection, workspace, now=now)
            if added:
                _note_addition(connection, added)
        self._overwrite_log()
        return counts

    def _overwrite_log(self) -> None:
        """Move SQLite's write-ahead log into the file, so that the old rows are in neither.

        It is left to a later write while another process reads for longer than a second.
        """
        if self.database.file:
            with self.database.read() as connection:
                usual = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
                connection.exec_driver_sql("PRAGMA busy_timeout = 1000")
                try:
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                finally:
                    connection.exec_driver_sql(f"PRAGMA busy_timeout = {usual}")

    def export(self, person: Subject) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        records: dict[str, Sequence[Mapping[str, Any]]] = {}
        with self.database.read() as connection:
            for kind, query in _select_records(person):
                rows = connection.execute(query).mappings()
                records[kind] = [{name: _to_json_value(value) for name, value in row.items()} for row in rows]
        return records

    def find_forgotten(
        self, platform: str, workspace: str, people: Collection[str], *, since: datetime
    ) -> frozenset[str]:
        tombstones = self.tombstones.read_all().tombstones if self.tombstones else ()
        recent = [tombstone for tombstone in tombstones if tombstone.at >= since]
        if not recent:
            return frozenset()
        find_instant = find_latest(recent, SubjectKind.PERSON)
        return frozenset(
            person
            for person in people
            if any(
                find_instant(Subject(SubjectKind.PERSON, platform, name, person)) for name in (workspace, "")
            )
        )

    def reapply_tombstones(self) -> Counts:
        if not self.tombstones:
            return {}
        content = self.tombstones.read_all()
        if not content.tombstones:
            return {}
        with self.database.read() as connection:
            if _read_fingerprint(connection, content.file_id) == content.fingerprint:
                return {}
        with self.database.write(lock_name="people") as connection:
            counts = _reapply(connection, content.tombstones)
            _write_fingerprint(connection, content.file_id, content.fingerprint)
        self._overwrite_log()
        return counts

    def prune(self, *, before: datetime, limit: int) -> int:
        old = _list_old_conditions(before)
        with self.database.read() as connection:  # The search for old rows keeps no other write waiting.
            keys = [_find_keys(connection, table, condition, limit) for table, condition in old]
        if not any(keys):
            return 0
        with self.database.write(lock_name="people") as connection:
            for (table, condition), found in zip(old, keys, strict=True):
                if found:
                    _prune_rows(connection, table, and_(condition, tuple_(*table.primary_key).in_(found)))
        return max(map(len, keys))


def _note_name(file_id: str) -> str:
    return f"tombstones {file_id}"


def _read_fingerprint(connection: Connection, file_id: str) -> str:
    """Return the fingerprint of the tombstones that this database has seen, empty for none."""
    query = select(schema.notes.c.text).where(schema.notes.c.name == _note_name(file_id))
    return connection.execute(query).scalar() or ""


def _write_fingerprint(connection: Connection, file_id: str, fingerprint: str) -> None:
    row = {"name": _note_name(file_id), "text": fingerprint}
    upsert(connection, schema.notes, row, {"text": fingerprint})


def _note_addition(connection: Connection, added: Addition) -> None:
    """Note that this database has seen a new tombstone.

    A file with others that it has not seen is left for `reapply_tombstones`.
    """
    if _read_fingerprint(connection, added.file_id) == added.fingerprint_before:
        _write_fingerprint(connection, added.file_id, added.fingerprint_after)


def _was_used_since(connection: Connection, workspace: Subject, at: datetime) -> bool:
    """Return True if people marked or changed something in a workspace, or it got a message, after `at`."""
    changed = (
        select(changes.c.id)
        .join(subscriptions, subscriptions.c.id == changes.c.subscription)
        .where(
            subscriptions.c.platform == workspace.platform,
            subscriptions.c.workspace == workspace.workspace,
            changes.c.at > at,
        )
    )
    dated = (
        (marks, marks.c.at),
        (posts, posts.c.posted_at),
        (discussions, discussions.c.at),
        (queue_decisions, queue_decisions.c.at),
        (consents, consents.c.at),
        (account_links, account_links.c.at),
        (requests, requests.c.at),
        (reports, reports.c.at),
        (feedback, feedback.c.at),
        (answers, _last_answer_at()),
        (paper_notes, paper_notes.c.at),
        (installations, installations.c.installed_at),
    )
    used = [
        select(table.c.platform).where(
            table.c.platform == workspace.platform, table.c.workspace == workspace.workspace, column > at
        )
        for table, column in dated
    ]
    return any(connection.execute(query.limit(1)).first() for query in (changed, *used))


def _reapply(connection: Connection, tombstones: Sequence[Tombstone]) -> Counts:
    counts: Counter[str] = Counter()
    for kind in SubjectKind:
        find_instant = find_latest(tombstones, kind)
        for subject in sorted(_list_subjects(connection, kind), key=lambda each: each.key):
            if at := find_instant(subject):
                counts.update(_erase_subject(connection, subject, now=at, before=at))
    return +counts


def _list_subjects(connection: Connection, kind: SubjectKind) -> set[Subject]:
    """Return every subject of the store, as its tombstone may name it.

    A record whose workspace is not known gives a subject in each workspace of the platform.
    """
    in_workspaces = [
        set(map(tuple, connection.execute(select(table.c.platform, table.c.workspace).distinct())))
        for table in (
            subscriptions,
            posts,
            marks,
            discussions,
            queue_decisions,
            consents,
            account_links,
            link_codes,
            requests,
            reports,
            feedback,
            answers,
            paper_notes,
            tokens,
            workspaces,
            installations,
            members,
        )
    ]
    known = set[tuple[Any, ...]]().union(*in_workspaces)
    if kind is SubjectKind.WORKSPACE:
        return {Subject(kind, *each) for each in known if each[1]}
    keys = set(_list_people(connection) if kind is SubjectKind.PERSON else _list_channels(connection))
    return {
        Subject(kind, platform, workspace, id)
        for platform, own_workspace, id in keys  # noqa: A001
        for workspace in (
            {own_workspace, ""}
            if own_workspace
            else {"", *(name for where, name in known if where == platform)}
        )
    }


def _list_people(connection: Connection) -> Iterator[tuple[str, str, str]]:
    with_person = (
        (table, "person")
        for table in (marks, requests, reports, feedback, answers, paper_notes, account_links, link_codes)
    )
    named = (
        *with_person,
        (paper_notes, "author"),
        (subscriptions, "owner_id"),
        (installations, "installed_by"),
    )
    for table, column in named:
        query = select(table.c.platform, table.c.workspace, table.c[column]).distinct()
        for platform, workspace, person in connection.execute(query.where(table.c[column] != "")):
            yield platform, workspace, person
    yield from list_people_of_meetings(connection)
    id_columns = (
        *(each.c.by_id for each in AUDITED.values()),
        posts.c.shared_by_id,
        subscriptions.c.paused_by_id,
    )
    for id_column in id_columns:
        for qualified in connection.execute(select(id_column).distinct()).scalars():
            if qualified.count(":") >= 2:
                platform, workspace, person = qualified.split(":", 2)
                yield platform, workspace, person


def _list_channels(connection: Connection) -> Iterator[tuple[str, str, str]]:
    columns = (*(table.c.channel for table in _WITH_CHANNEL), paper_notes.c.message_channel)
    for column in columns:
        query = select(column.table.c.platform, column.table.c.workspace, column).distinct()
        yield from map(tuple, connection.execute(query.where(column != "")))


def _erase_subject(
    connection: Connection, subject: Subject, *, now: datetime, before: datetime | None = None
) -> Counts:
    """Erase a subject in the caller's transaction, as `People.forget` says, and count the records.

    With `before`, records that are newer stay. Refreshes are due at `now`.
    """
    match subject.kind:
        case SubjectKind.PERSON:
            counts = _erase_person(connection, subject, now, before)
        case SubjectKind.WORKSPACE:
            counts = _erase_workspace(connection, subject, before)
        case SubjectKind.CHANNEL:
            counts = _delete_channels(connection, before, _is_channel(subject))
    return {kind: count for kind, count in counts.items() if count}


def _is_until(column: ColumnElement[Any], before: datetime | None) -> ColumnElement[bool]:
    return column <= before if before else true()


# A person.


def _erase_person(
    connection: Connection, person: Subject, now: datetime, before: datetime | None
) -> dict[str, int]:
    names = _collect_names(connection, person)
    counts = _delete_direct_digests(connection, person, before)
    counts["marks"] = counts.get("marks", 0) + _delete_marks(connection, person, now, before)
    is_owner = and_(*_is_of_person(subscriptions, person), subscriptions.c.owner_id == person.id)
    owned = update(subscriptions).where(is_owner, ~_has_newer_change(person, before)).values(owner_id="")
    counts["digests set up"] = connection.execute(owned).rowcount
    is_installer = and_(
        *_is_of_person(installations, person),
        installations.c.installed_by == person.id,
        _is_until(installations.c.installed_at, before),
    )
    installed = update(installations).where(is_installer).values(installed_by="")
    counts["installations"] = connection.execute(installed).rowcount
    counts["pauses"] = _erase_pauses(connection, person, names, before)
    is_persons = _is_qualified(changes.c.by_id, person)
    scope = select(subscriptions.c.id).where(*_is_of_person(subscriptions, person))
    is_named = and_(changes.c.by_id == "", changes.c.by.in_(names), changes.c.subscription.in_(scope))
    counts["changes"] = _erase_names(connection, changes, or_(is_persons, is_named), before)
    _erase_names_in_history(connection, _names_person(person, names), before)
    is_named = and_(holds.c.by_id == "", holds.c.by.in_(names))
    is_decider = or_(_is_qualified(holds.c.by_id, person), is_named)
    counts["decisions"] = _erase_names(connection, holds, is_decider, before)
    is_named = and_(
        discussions.c.by_id == "", discussions.c.by.in_(names), *_is_of_person(discussions, person)
    )
    is_finisher = or_(_is_qualified(discussions.c.by_id, person), is_named)
    counts["discussions"] = _erase_names(connection, discussions, is_finisher, before)
    is_decider = _is_qualified(queue_decisions.c.by_id, person)
    counts["queue decisions"] = _erase_names(connection, queue_decisions, is_decider, before)
    is_agreeing = _is_qualified(consents.c.by_id, person)
    counts["agreements"] = _erase_names(connection, consents, is_agreeing, before)
    counts["linked accounts"] = _delete_links(connection, person, before)
    is_asker = or_(
        _is_qualified(re_reviews.c.by_id, person), and_(re_reviews.c.by_id == "", re_reviews.c.by.in_(names))
    )
    counts["re-reviews"] = _erase_names(connection, re_reviews, is_asker, before)
    is_own_report = (
        *_is_of_person(reports, person), reports.c.person == person.id, _is_until(reports.c.at, before),
    )  # fmt: skip
    counts["reports"] = connection.execute(delete(reports).where(*is_own_report)).rowcount
    is_own_opinion = (
        *_is_of_person(feedback, person), feedback.c.person == person.id, _is_until(feedback.c.at, before),
    )  # fmt: skip
    counts["opinions"] = connection.execute(delete(feedback).where(*is_own_opinion)).rowcount
    is_own_note = (*_is_note_of(person), _is_until(paper_notes.c.at, before))
    counts["notes"] = connection.execute(delete(paper_notes).where(*is_own_note)).rowcount
    counts["answers about discussions"] = _delete_answers(connection, person, now, before)
    counts["requests"] = _erase_requesters(
        connection,
        [*_is_of_person(requests, person), requests.c.person == person.id, _is_until(requests.c.at, before)],
        keeps_workspace=True,
    )
    counts["shared cards"] = _erase_sharer(connection, person, names, now, before)
    is_planner = or_(
        _is_qualified(plans.c.by_id, person),
        and_(plans.c.by_id == "", plans.c.by.in_(names), plans.c.subscription.in_(scope)),
    )
    counts["plans of meetings"] = _erase_names(connection, plans, is_planner, before)
    return counts | erase_from_meetings(
        connection, and_(*_is_of_person(subscriptions, person)), person.id, now, before
    )


def _delete_direct_digests(
    connection: Connection, person: Subject, before: datetime | None
) -> dict[str, int]:
    """Delete the digests that a person gets in direct messages, with everything else in that conversation."""
    is_own = and_(
        *_is_of_person(subscriptions, person),
        subscriptions.c.owner_id == person.id,
        subscriptions.c.is_direct,
    )
    conversations = select(subscriptions.c.workspace, subscriptions.c.channel).where(is_own).distinct()
    counts: Counter[str] = Counter()
    for workspace, channel in connection.execute(conversations).all():
        conversation = Subject(SubjectKind.CHANNEL, person.platform, workspace, channel)
        counts.update(_delete_channels(connection, before, _is_channel(conversation)))
    counts["own digests"] = counts.pop("digests", 0)
    return dict(counts)


def _delete_links(connection: Connection, person: Subject, before: datetime | None) -> int:
    """Take a person's account out of its links, and delete the codes that it got or typed."""
    other = (link_codes.c.other_platform, link_codes.c.other_workspace, link_codes.c.other_person)
    places = (person.workspace, "")
    is_other = and_(
        other[0] == person.platform,
        other[1].in_(places) if person.workspace else true(),
        other[2] == person.id,
    )
    is_own = and_(*_is_of_person(link_codes, person), link_codes.c.person == person.id)
    void = delete(link_codes).where(or_(is_own, is_other), _is_until(link_codes.c.expires_at, before))
    connection.execute(void)
    linked = delete(account_links).where(
        *_is_of_person(account_links, person),
        account_links.c.person == person.id,
        _is_until(account_links.c.at, before),
    )
    count: int = connection.execute(linked).rowcount
    delete_lone_links(connection)
    return count


def _is_note_of(person: Subject) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for notes that a person wrote or kept, and for kept messages of the person."""
    is_theirs = or_(paper_notes.c.person == person.id, paper_notes.c.author == person.id)
    return (*_is_of_person(paper_notes, person), is_theirs)


def _is_of_person(table: Table, person: Subject) -> tuple[ColumnElement[bool], ...]:
    """Match rows of the person's workspace, and those whose workspace is not known."""
    is_on_platform = table.c.platform == person.platform
    if not person.workspace:
        return (is_on_platform,)
    return is_on_platform, table.c.workspace.in_((person.workspace, ""))


def _is_qualified(column: ColumnElement[Any], person: Subject) -> ColumnElement[bool]:
    """Match a column with the platform, workspace and id of the person, as `slack:T1:U1`."""
    if person.workspace:
        return column.in_([f"{person.platform}:{name}:{person.id}" for name in (person.workspace, "")])
    start, end = f"{person.platform}:", f":{person.id}"
    return and_(
        func.substr(column, 1, len(start)) == start,
        func.length(column) >= len(start) + len(end) - 1,
        func.substr(column, func.length(column) - len(end) + 1) == end,
    )


def _collect_names(connection: Connection, person: Subject) -> list[str]:
    """Return the names under which the person did something: older rows have the name alone."""
    columns = [(table.c.by, table.c.by_id) for table in AUDITED.values()]
    columns.append((subscriptions.c.paused_by, subscriptions.c.paused_by_id))
    names = set[str]()
    for name, qualified in columns:
        names |= set(
            connection.execute(select(name).where(_is_qualified(qualified, person)).distinct()).scalars()
        )
    return sorted(names - {"", SOMEBODY})


def _delete_marks(connection: Connection, person: Subject, now: datetime, before: datetime | None) -> int:
    conditions = (
        *_is_of_person(marks, person), marks.c.person == person.id, _is_until(marks.c.at, before),
    )  # fmt: skip
    shown = (
        select(marks.c.platform, marks.c.channel, marks.c.paper).where(*conditions, marks.c.is_on).distinct()
    )
    marked = [tuple(row) for row in connection.execute(shown)]
    count: int = connection.execute(delete(marks).where(*conditions)).rowcount
    for platform, channel, paper in marked:
        showing = select(post_papers.c.post).where(
            post_papers.c.platform == platform,
            post_papers.c.channel == channel,
            post_papers.c.paper == paper,
        )
        newest = showing.order_by(post_papers.c.post.desc()).limit(POSTS_PER_PAPER)
        enqueue_refreshes(connection, connection.execute(newest).scalars(), now)
    return count


def _last_answer_at() -> ColumnElement[datetime]:
    """Return the instant of the later one of a person's two answers about a discussed paper."""
    worth_it, truth = (
        func.coalesce(column, datetime.min.replace(tzinfo=UTC))
        for column in (answers.c.worth_it_at, answers.c.truth_at)
    )
    return case((worth_it > truth, worth_it), else_=truth)


def _delete_answers(connection: Connection, person: Subject, now: datetime, before: datetime | None) -> int:
    """Delete a person's answers about discussed papers; the agendas with their numbers are edited."""
    is_own = (
        *_is_of_person(answers, person), answers.c.person == person.id, _is_until(_last_answer_at(), before),
    )  # fmt: skip
    papers = list(connection.execute(select(answers.c.paper).where(*is_own).distinct()).scalars())
    edit_agendas(connection, and_(*_is_of_person(subscriptions, person)), papers, now)
    count: int = connection.execute(delete(answers).where(*is_own)).rowcount
    return count


def _has_newer_change(person: Subject, before: datetime | None) -> ColumnElement[bool]:
    """Match subscriptions that the person changed after an instant; none without one."""
    if before is None:
        return ~true()
    return exists().where(
        changes.c.subscription == subscriptions.c.id,
        changes.c.at > before,
        _is_qualified(changes.c.by_id, person),
    )


def _erase_pauses(
    connection: Connection, person: Subject, names: Sequence[str], before: datetime | None
) -> int:
    is_named = and_(
        subscriptions.c.paused_by_id == "",
        subscriptions.c.paused_by.in_(names),
        *_is_of_person(subscriptions, person),
    )
    paused = update(subscriptions).where(
        or_(_is_qualified(subscriptions.c.paused_by_id, person), is_named), ~_has_newer_change(person, before)
    )
    count: int = connection.execute(paused.values(paused_by=SOMEBODY, paused_by_id="")).rowcount
    return count


def _erase_names(
    connection: Connection, table: Table, condition: ColumnElement[bool], before: datetime | None
) -> int:
    erasure = update(table).where(condition, _is_until(table.c.at, before)).values(by=SOMEBODY, by_id="")
    count: int = connection.execute(erasure).rowcount
    return count


NameMatcher = Callable[[str, str, Mapping[str, str]], bool]
"""Says of a pause in a change if it names the subject: by name and id, and the subscription's ids."""


def _names_person(person: Subject, names: Sequence[str]) -> NameMatcher:
    def match_pause(name: str, qualified: str, place: Mapping[str, str]) -> bool:
        platform, workspace, id = (*qualified.split(":", 2), "", "")[:3]  # noqa: A001
        if platform:
            in_workspace = not person.workspace or workspace in (person.workspace, "")
            return platform == person.platform and in_workspace and id == person.id
        in_scope = not person.workspace or place["workspace"] in (person.workspace, "")
        return place["platform"] == person.platform and in_scope and name in names

    return match_pause


def _erase_names_in_history(connection: Connection, matches: NameMatcher, before: datetime | None) -> None:
    """Erase the names of who paused a digest from the contents of its changes."""
    query = (
        select(
            changes.c.id,
            changes.c.before,
            changes.c.after,
            subscriptions.c.platform,
            subscriptions.c.workspace,
        )
        .join(subscriptions, subscriptions.c.id == changes.c.subscription)
        .where(_is_until(changes.c.at, before))
    )
    for row in connection.execute(query).mappings().all():
        _rewrite_change(connection, dict(row), matches)


def _rewrite_change(connection: Connection, row: Mapping[str, Any], matches: NameMatcher) -> None:
    values = {
        side: _rewrite_pause(row[side], lambda name, qualified: matches(name, qualified, row))
        for side in ("before", "after")
    }
    if any(values[side] != row[side] for side in values):
        connection.execute(update(changes).where(changes.c.id == row["id"]).values(values))


def _rewrite_pause(fields_text: str | None, matches: Callable[[str, str], bool]) -> str | None:
    """Replace who paused the digest, in the fields of a subscription as JSON, if it matches.

    The result equals the JSON of the subscription's row after the same erasure, so that undo finds it.
    """
    try:
        fields = json.loads(fields_text or "null")
    except ValueError:
        return fields_text
    if not isinstance(fields, dict) or not (name := fields.get("paused_by")):
        return fields_text
    if name == SOMEBODY or not matches(str(name), str(fields.get("paused_by_id", ""))):
        return fields_text
    fields["paused_by"] = SOMEBODY
    fields.pop("paused_by_id", None)
    return json.dumps(fields)


def _erase_requesters(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], *, keeps_workspace: bool
) -> int:
    """Take the person out of requests. They stay, so that their papers still count for the day."""
    found = connection.execute(select(requests).where(*conditions)).mappings().all()
    for row in found:
        key = [column == row[column.name] for column in requests.primary_key]
        connection.execute(delete(requests).where(*key))
        workspace = row["workspace"] if keeps_workspace else ""
        new_row = {**row, "workspace": workspace, "person": ""}
        if not insert_if_absent(connection, requests, new_row) and row["granted_on"]:
            new_key = [column == new_row[column.name] for column in requests.primary_key]
            is_older = or_(requests.c.granted_on.is_(None), requests.c.granted_on < row["granted_on"])
            granted = update(requests).where(*new_key, is_older)
            connection.execute(granted.values(granted_on=row["granted_on"]))
    return len(found)


def _erase_sharer(
    connection: Connection, person: Subject, names: Sequence[str], now: datetime, before: datetime | None
) -> int:
    """Take the person's name out of the stored content of shared cards.

    A card of an older version does not say who shared it: its content is dropped if it has one of the names,
    and the message is not refreshed any more.
    """
    is_until = _is_until(posts.c.posted_at, before)
    shared = connection.execute(
        select(posts.c.id, posts.c.payload_without_name).where(
            _is_qualified(posts.c.shared_by_id, person), is_until
        )
    ).all()
    _drop_names_of_cards(connection, [row.id for row in shared])
    enqueue_refreshes(connection, [row.id for row in shared if row.payload_without_name], now)
    count = len(shared)
    if names:
        old_cards = select(posts.c.id, posts.c.payload).where(
            *_is_old_card(), *_is_of_person(posts, person), is_until
        )
        naming = [
            row.id
            for row in connection.execute(old_cards)
            if any(_strip_marks(name) in _strip_marks(row.payload) for name in names)
        ]
        _drop_names_of_cards(connection, naming)
        count += len(naming)
    return count


def _is_old_card() -> tuple[ColumnElement[bool], ...]:
    """Match shared cards of an older version, which may have a name in their content."""
    return posts.c.delivery.is_(None), posts.c.payload.is_not(None), posts.c.payload_without_name.is_(None)


def _drop_names_of_cards(connection: Connection, keys: Sequence[int]) -> None:
    nameless = func.nullif(posts.c.payload_without_name, "")
    kept = case((posts.c.payload_without_name == "", posts.c.payload), else_=nameless)
    anonymous = {"payload": kept, "payload_without_name": "", "shared_by_id": ""}
    for start in range(0, len(keys), 1000):
        connection.execute(update(posts).where(posts.c.id.in_(keys[start : start + 1000])).values(anonymous))


def _strip_marks(text: str) -> str:
    """Return the letters and digits of a text, which no platform escapes."""
    return "".join(filter(str.isalnum, text))


# A channel, a workspace.

Place = Callable[[Table], ColumnElement[bool]]
"""Builds the condition for rows of a table that are in some channels."""


def _is_channel(channel: Subject) -> Place:
    def is_there(table: Table) -> ColumnElement[bool]:
        is_own = table.c.channel == channel.id
        if table is paper_notes:  # A message of the channel may be a note of the whole workspace.
            is_own = or_(is_own, paper_notes.c.message_channel == channel.id)
        return and_(*_is_of_person(table, channel), is_own)

    return is_there


def _erase_workspace(connection: Connection, workspace: Subject, before: datetime | None) -> dict[str, int]:
    platform, name = workspace.platform, workspace.workspace
    own_channels = {
        channel
        for table in _WITH_CHANNEL
        for channel in connection.execute(
            select(table.c.channel).where(table.c.platform == platform, table.c.workspace == name).distinct()
        ).scalars()
        if channel
    }

    def is_in_workspace(table: Table) -> ColumnElement[bool]:
        is_unnamed = and_(table.c.workspace == "", table.c.channel.in_(own_channels))
        return and_(table.c.platform == platform, or_(table.c.workspace == name, is_unnamed))

    counts = _delete_channels(connection, before, is_in_workspace)
    is_own = (requests.c.platform == platform, requests.c.workspace == name, _is_until(requests.c.at, before))
    counts["requests"] = _erase_requesters(connection, is_own, keeps_workspace=False)
    is_report = (
        reports.c.platform == platform, reports.c.workspace == name, _is_until(reports.c.at, before),
    )  # fmt: skip
    counts["reports"] = connection.execute(delete(reports).where(*is_report)).rowcount
    for table in (account_links, link_codes, members):
        connection.execute(delete(table).where(table.c.platform == platform, table.c.workspace == name))
    connection.execute(delete(members).where(members.c.platform == platform, members.c.organization == name))
    is_installed = (
        installations.c.platform == platform,
        installations.c.workspace == name,
        _is_until(installations.c.installed_at, before),
    )
    counts["installations"] = connection.execute(delete(installations).where(*is_installed)).rowcount
    claimed = (link_codes.c.other_platform == platform, link_codes.c.other_workspace == name)
    connection.execute(delete(link_codes).where(*claimed))
    delete_lone_links(connection)
    start = f"{platform}:{name}:"
    for kind, table in AUDITED.items():
        is_theirs = func.substr(table.c.by_id, 1, len(start)) == start
        counts[kind] = counts.get(kind, 0) + _erase_names(connection, table, is_theirs, before)
    _erase_names_in_history(connection, lambda _name, qualified, _place: qualified.startswith(start), before)
    entry = and_(
        workspaces.c.platform == platform, workspaces.c.workspace == name, _is_until(workspaces.c.at, before)
    )
    is_denied = workspaces.c.state == "denied"
    connection.execute(update(workspaces).where(entry, is_denied).values(name=""))
    connection.execute(delete(removals).where(removals.c.platform == platform, removals.c.workspace == name))
    counts["entries in the list"] = connection.execute(delete(workspaces).where(entry, ~is_denied)).rowcount
    return counts


def _delete_channels(connection: Connection, before: datetime | None, is_there: Place) -> dict[str, int]:
    """Delete all records of some channels. Rows that depend on a subscription or a post go with it."""
    is_old: ColumnElement[bool] = true()
    if before:
        is_old = ~exists().where(changes.c.subscription == subscriptions.c.id, changes.c.at > before)
        is_old &= ~exists().where(
            deliveries.c.subscription == subscriptions.c.id, deliveries.c.due_at > before
        )
    deletions = {
        "marks": delete(marks).where(is_there(marks), _is_until(marks.c.at, before)),
        "discussions": delete(discussions).where(is_there(discussions), _is_until(discussions.c.at, before)),
        "queue decisions": delete(queue_decisions).where(
            is_there(queue_decisions), _is_until(queue_decisions.c.at, before)
        ),
        "agreements": delete(consents).where(is_there(consents), _is_until(consents.c.at, before)),
        "opinions": delete(feedback).where(is_there(feedback), _is_until(feedback.c.at, before)),
        "answers about discussions": delete(answers).where(
            is_there(answers), _is_until(_last_answer_at(), before)
        ),
        "notes": delete(paper_notes).where(is_there(paper_notes), _is_until(paper_notes.c.at, before)),
        "access tokens": delete(tokens).where(is_there(tokens), _is_until(tokens.c.created_at, before)),
        "posted messages": delete(posts).where(is_there(posts), _is_until(posts.c.posted_at, before)),
        "digests": delete(subscriptions).where(is_there(subscriptions), is_old),
    }
    return {kind: connection.execute(deletion).rowcount for kind, deletion in deletions.items()}


# Export.

_WISHES = tuple(
    subscriptions.c[name]
    for name in (
        "name", "domains", "keywords", "authors", "muted", "top", "min_score", "at", "days", "time_zone",
    )
)  # fmt: skip
"""Columns of a digest that a person set up for themselves."""


def _select_records(person: Subject) -> Iterator[tuple[str, Select[Any]]]:
    yield "marks", select(marks).where(*_is_of_person(marks, person), marks.c.person == person.id)
    yield "requests", select(requests).where(*_is_of_person(requests, person), requests.c.person == person.id)
    place = (subscriptions.c.platform, subscriptions.c.workspace, subscriptions.c.channel)
    is_owner = and_(*_is_of_person(subscriptions, person), subscriptions.c.owner_id == person.id)
    yield "digests set up", select(*place, subscriptions.c.owner_id).where(is_owner)
    is_installer = (*_is_of_person(installations, person), installations.c.installed_by == person.id)
    names = ("platform", "workspace", "name", "installed_at", "installed_by")
    yield "installations", select(*(installations.c[name] for name in names)).where(*is_installer)
    is_direct = and_(is_owner, subscriptions.c.is_direct)
    yield "own digests", select(*place, *_WISHES).where(is_direct)
    is_pauser = _is_qualified(subscriptions.c.paused_by_id, person)
    yield "pauses", select(*place, subscriptions.c.paused_by, subscriptions.c.paused_by_id).where(is_pauser)
    yield (
        "changes",
        select(*place, *(column for column in changes.c if column.name not in ("id", "subscription")))
        .join(subscriptions, subscriptions.c.id == changes.c.subscription)
        .where(_is_qualified(changes.c.by_id, person)),
    )
    yield "decisions", select(holds).where(_is_qualified(holds.c.by_id, person))
    yield "discussions", select(discussions).where(_is_qualified(discussions.c.by_id, person))
    is_decider = _is_qualified(queue_decisions.c.by_id, person)
    yield "queue decisions", select(queue_decisions).where(is_decider)
    yield "agreements", select(consents).where(_is_qualified(consents.c.by_id, person))
    is_linked = (*_is_of_person(account_links, person), account_links.c.person == person.id)
    linked = (account_links.c.platform, account_links.c.workspace, account_links.c.person, account_links.c.at)
    yield "linked accounts", select(*linked).where(*is_linked)
    yield "reports", select(reports).where(*_is_of_person(reports, person), reports.c.person == person.id)
    yield "opinions", select(feedback).where(*_is_of_person(feedback, person), feedback.c.person == person.id)
    yield "notes", select(paper_notes).where(*_is_note_of(person))
    is_answering = (*_is_of_person(answers, person), answers.c.person == person.id)
    yield "answers about discussions", select(answers).where(*is_answering)
    yield "re-reviews", select(re_reviews).where(_is_qualified(re_reviews.c.by_id, person))
    yield "plans of meetings", select_plans(_is_qualified(plans.c.by_id, person))
    yield from select_meeting_records(and_(*_is_of_person(subscriptions, person)), person.id)
    shared = (posts.c.platform, posts.c.workspace, posts.c.channel, posts.c.message_id, posts.c.posted_at)
    is_sharer = _is_qualified(posts.c.shared_by_id, person)
    yield "shared cards", select(*shared, posts.c.payload, posts.c.shared_by_id).where(is_sharer)


def _to_json_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


# Retention.


def _list_old_conditions(before: datetime) -> list[tuple[Table, ColumnElement[bool]]]:
    """Return the conditions for records that are older than an instant and still name a person, by table.

    Of marks these are the ones that were taken back: no event is that late. Reports and opinions are all of
    them. Of subscriptions these are the paused ones that nobody changed since.
    """
    is_newer = exists().where(changes.c.subscription == subscriptions.c.id, changes.c.at >= before)
    has_pauser = or_(subscriptions.c.paused_by_id != "", subscriptions.c.paused_by.not_in(("", SOMEBODY)))
    has_sharer = or_(posts.c.shared_by_id != "", and_(*_is_old_card()))
    audited = [
        (table, and_(table.c.at < before, or_(table.c.by_id != "", table.c.by.not_in(("", SOMEBODY)))))
        for table in AUDITED.values()
    ]
    return [
        (marks, and_(~marks.c.is_on, marks.c.at < before)),
        (reports, reports.c.at < before),
        (link_codes, link_codes.c.expires_at < before),
        (feedback, feedback.c.at < before),
        (subscriptions, and_(has_pauser, ~is_newer)),
        (posts, and_(posts.c.posted_at < before, has_sharer)),
        *audited,
        *list_old_meeting_records(before),
    ]


def _find_keys(
    connection: Connection, table: Table, condition: ColumnElement[bool], limit: int
) -> list[tuple[Any, ...]]:
    query = select(*table.primary_key).where(condition).limit(limit)
    return [tuple(row) for row in connection.execute(query)]


def _prune_rows(connection: Connection, table: Table, condition: ColumnElement[bool]) -> None:
    """Take people out of the rows of one table."""
    if table in (meetings, schema.pages):
        prune_meeting_rows(connection, table, condition)
    elif table in (marks, reports, feedback, votes, link_codes):
        connection.execute(delete(table).where(condition))
    elif table is posts:
        _drop_names_of_cards(
            connection, list(connection.execute(select(posts.c.id).where(condition)).scalars())
        )
    elif table is subscriptions:
        connection.execute(update(subscriptions).where(condition).values(paused_by=SOMEBODY, paused_by_id=""))
    else:
        if table is changes:
            for row in connection.execute(select(changes).where(condition)).mappings().all():
                _rewrite_change(connection, dict(row), lambda *_: True)
        connection.execute(update(table).where(condition).values(by=SOMEBODY, by_id=""))
