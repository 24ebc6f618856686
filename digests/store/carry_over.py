"""Conversion of names and values from the schema before 0.1.0 (revision 0013) to the current one.

A store of an older checkout is only read. `digests/store/copying.py` writes its rows into a new store.
"""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnClause, FromClause, Select, Table, column, select, table, text

from digests.store.engine import Database

OLD_REVISION = "0013"
"""The last revision before 0.1.0. Stores of still older checkouts were brought to it by that checkout."""

_OLD_TABLES: Mapping[str, str] = {
    "shown_papers": "shown",
    "subscription_changes": "changes",
    "discussions": "discussed",
    "post_edits": "edits",
    "paper_requests": "asked_for",
    "review_spending": "review_days",
    "pairwise_ranks": "placings",
}
"""Old names of the tables, by the new ones; tables that are not listed kept their names."""

NEW_TABLES = frozenset(
    {
        "access_tokens",
        "account_links",
        "alert_messages",
        "alerts",
        "discussion_answers",
        "feedback",
        "installations",
        "link_codes",
        "lost_access",
        "organization_members",
        "queue_consents",
        "queue_decisions",
        "paper_notes",
        "meeting_candidates",
        "meeting_members",
        "meeting_plans",
        "meeting_posts",
        "meeting_votes",
        "meetings",
        "re_reviews",
        "removals",
        "review_reports",
        "starter_questions",
        "translations",
        "unreadable_texts",
        "workspaces",
    }
)
"""Tables that the old schema did not have."""

_OLD_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "papers": {"known_seq": "known", "changed_seq": "changed"},
    "reviews": {"review_depth": "stage"},
    "subscriptions": {
        "running_since": "runs_since",
        "stop_reason": "stopped",
        "owner_id": "owner",
        "is_from_settings": "from_settings",
    },
    "deliveries": {
        "watermark": "considered_to",
        "crashes": "deaths",
        "empty_reason": "empty_because",
        "late_until": "quiet_until",
        "late_watermark": "looked_to",
        "notify_at": "tell_at",
    },
    "pages": {"idempotency_key": "key", "posted_states": "said"},
    "posts": {"message_id": "message"},
    "post_papers": {"ordinal": "place", "review_number": "review", "is_withdrawn": "withdrawn"},
    "marks": {"message_id": "message", "mark_source": "marked_by"},
    "health": {"waiting_count": "waiting", "reported_at": "at"},
    "post_edits": {
        "change_seq": "noticed",
        "attempts": "tries",
        "last_text": "said",
        "is_abandoned": "lost",
    },
    "review_queue": {
        "review_depth": "stage",
        "priority": "promise",
        "queued_at": "since",
        "is_abandoned": "given_up",
    },
    "comparisons": {"verdict": "better"},
    "pairwise_ranks": {"rank": "place", "group_size": "among"},
}
"""Old names of the columns, by new table and column; columns that are not listed kept their names."""

_NEW_VALUES: Mapping[str, Mapping[str, Any]] = {
    "papers": {"models_left_out": ""},
    "reviews": {"sample": 0, "panel": None},
    "deliveries": {"kind": "digest"},
    "pages": {"file": None},
    "paper_requests": {"platform": "", "workspace": "", "person": "", "granted_on": None},
    "marks": {"workspace": "", "is_direct": False},
    "discussions": {"workspace": "", "by": "", "by_id": ""},
    "subscriptions": {
        "paused_by_id": "",
        "authors": "[]",
        "match_mode": "any",
        "unscored": "after",
        "name": "",
        "repeat": False,
        "language": "",
        "recap": False,
        "next_recap_at": None,
        "every_weeks": 1,
        "week_parity": 0,
        "is_direct": False,
    },
    "subscription_changes": {"by_id": ""},
    "holds": {"by_id": ""},
    "posts": {"payload_without_name": None, "shared_by_id": "", "is_direct": False},
}
"""Values of columns that the old schema did not have. `fill_workspaces` follows once all rows are copied."""

_RENAMED_VALUES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("deliveries", "state"): {"quiet": "empty", "waiting": "retrying"},
    ("counters", "name"): {"upkeep": "post_edits"},
}
"""New values by old ones, for columns whose values were renamed; other values stay."""

_CONSOLE_FIELDS: Mapping[str, str] = {
    "quiet": "is_small_print",
    "voices": "mark_count",
    "reviewed": "review_line",
}
"""Renamed fields of the blocks in a console page's payload. Chat payloads follow the platforms' APIs."""


# An older checkout leads in a role for each platform and in three more. A role's advisory lock is one 64-bit
# number, which `pg_locks` shows in halves.
_ANY_OLD_LOCK = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND ((classid::bigint << 32) | objid::bigint) IN ("
    "SELECT hashtextextended('paperround ' || current_schema() || ' ' || role, 0) FROM ("
    "SELECT platform AS role FROM subscriptions UNION VALUES ('sources'), ('reviewer'), ('posts')) AS roles))"
)


def is_old_role_held(database: Database) -> bool:
    """Return True while a process of an older checkout holds a leader lock of this store. Raises StoreError.

    Over SQLite the lock files of older checkouts are those of today, so False is returned.
    """
    if not database.is_postgres:
        return False
    with database.read() as connection:
        return bool(connection.execute(_ANY_OLD_LOCK).scalar())


def find_old_table(new_table: Table) -> FromClause:
    """Return the old table of the same rows: its old columns with the current types."""
    return table(_OLD_TABLES.get(new_table.name, new_table.name), *_old_columns(new_table).values())


def select_old_rows(new_table: Table) -> Select[Any]:
    """Build a query for the old table's rows under the new column names, in the new primary key's order."""
    old_table, old_columns = find_old_table(new_table), _old_columns(new_table)
    labelled = [old_table.c[old.name].label(new_name) for new_name, old in old_columns.items()]
    keys = [
        old_table.c[old_columns[key.name].name] for key in new_table.primary_key if key.name in old_columns
    ]
    return select(*labelled).order_by(*keys)


def convert_row(new_table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a row for the new table. Posted text (keys, receipts, chat payloads) is not changed.

    `row` has the new column names and the old values; it is not changed itself.
    """
    new_row = {**row, **_new_values(new_table)}
    for name, value in row.items():
        renamed = _RENAMED_VALUES.get((new_table.name, name))
        if renamed:
            new_row[name] = renamed.get(value, value)
    if new_table.name in ("pages", "posts") and isinstance(row["payload"], str):
        new_row["payload"] = _convert_payload(row["payload"])
    return new_row


def _old_columns(new_table: Table) -> dict[str, ColumnClause[Any]]:
    renamed, added = _OLD_COLUMNS.get(new_table.name, {}), _new_values(new_table)
    return {
        each.name: column(renamed.get(each.name, each.name), each.type)
        for each in new_table.columns
        if each.name not in added
    }


def _new_values(new_table: Table) -> dict[str, Any]:
    values = _NEW_VALUES.get(new_table.name, {})
    return {name: value for name, value in values.items() if name in new_table.columns}


def _convert_payload(payload_text: str) -> str:
    """Rename the fields of a console page's blocks. Other payloads and damaged ones are not changed."""
    try:
        payload = json.loads(payload_text)
    except (ValueError, RecursionError):
        return payload_text
    blocks = payload.get("blocks") if isinstance(payload, dict) else None
    if not isinstance(blocks, list) or not blocks:
        return payload_text
    if not all(isinstance(each, dict) and "kind" in each for each in blocks):
        return payload_text
    payload["blocks"] = [
        {_CONSOLE_FIELDS.get(name, name): value for name, value in block.items()} for block in blocks
    ]
    return json.dumps(payload, ensure_ascii=False)
