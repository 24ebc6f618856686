"""Tables for SQLite and PostgreSQL. A test compares them with the migrations.

Every change of a paper or review draws a sequence number. Numbers become visible in ascending order. The key
of a paper or review is the number of the change that added it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    TypeDecorator,
    UniqueConstraint,
    false,
    func,
    literal_column,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Key = BigInteger().with_variant(Integer, "sqlite")
"""Type of large keys. SQLite uses its row number as the key only if the type is INTEGER."""


class StorableText(TypeDecorator[str]):
    """Text without NULs and lone surrogates. PostgreSQL refuses both, and stores are copied to it."""

    impl = sqlalchemy.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value if value is None or _is_storable(value) else _strip_unstorable(value)

    def convert_all(self, values: Sequence[str | None]) -> Sequence[str | None]:
        """Convert the values of many rows: one check for all of them, since nearly all are storable."""
        if _is_storable("".join(filter(None, values))):
            return values
        return [value and _strip_unstorable(value) for value in values]


def _is_storable(text: str) -> bool:
    if "\x00" in text:
        return False
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def _strip_unstorable(text: str) -> str:
    """Remove NULs and lone surrogates."""
    return text.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


class Instant(TypeDecorator[datetime]):
    """Instant in UTC. Python values are aware; SQLite stores them without a zone, since it has none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC).replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        instant: datetime = value
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


counters = Table(
    "counters",
    metadata,
    Column("name", StorableText, primary_key=True),
    Column("value", Key, nullable=False),
)

imports = Table(
    "imports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
)

papers = Table(
    "papers",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    Column("name", StorableText, nullable=False, unique=True),
    Column("url", StorableText, nullable=False),
    Column("version", SmallInteger),
    Column("title", StorableText, nullable=False),
    Column("authors", StorableText, nullable=False),
    Column("abstract", StorableText, nullable=False),
    Column("primary_category", StorableText, nullable=False),
    Column("categories", StorableText, nullable=False),
    Column("published", Date),
    Column("updated", Date),
    Column("withdrawn", Date),
    Column("flags", StorableText, nullable=False),
    Column("flagged", Boolean, nullable=False),
    # Values of the newest review, copied here so that picking papers reads one table.
    Column("score", Float),
    Column("rank", Integer),
    Column("tldr", StorableText, nullable=False),
    Column("review", Key),
    Column("upvotes", Integer),
    Column("code_url", StorableText, nullable=False, server_default=""),
    Column("scale", StorableText, nullable=False, server_default=""),
    # Models that were down when the panel reviewed, in lines.
    Column("models_left_out", StorableText, nullable=False, server_default=""),
    # Sequence numbers. known_seq: the change that brought the paper or its newest review;
    # negative for an unannounced paper without a review.
    # changed_seq: the last change of any kind.
    Column("known_seq", Key, nullable=False, unique=True),
    Column("known_at", Instant, nullable=False),
    Column("changed_seq", Key, nullable=False, unique=True),
    Index("ix_papers_known_at_known_seq", "known_at", "known_seq"),
)


def title_key(title: ColumnElement[str]) -> ColumnElement[str]:
    """Return the beginning of a title in lower case, by which papers of one title are found."""
    # Lengths are literal: an index is used only by the same expression.
    return func.lower(func.substr(title, literal_column("1"), literal_column("120")))


Index("ix_papers_title", title_key(papers.c.title))


reviews = Table(
    "reviews",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    Column("paper", ForeignKey(papers.c.id, ondelete="CASCADE"), nullable=False),
    Column("fingerprint", StorableText, nullable=False),
    Column("score", Float),
    Column("rank", Integer),
    Column("tldr", StorableText, nullable=False),
    Column("methodology", StorableText, nullable=False),
    Column("experiments", StorableText, nullable=False),
    Column("reproducibility", StorableText, nullable=False),
    Column("limitations", StorableText, nullable=False),
    Column("impact", StorableText, nullable=False),
    Column("model", StorableText, nullable=False),
    Column("reviewed_at", Instant),
    Column("read_depth", StorableText),
    # Set by our own reviewer: the depth of its review, and its assessment as JSON.
    Column("review_depth", StorableText, nullable=False, server_default=""),
    Column("assessment", StorableText),
    # The number of the sample, for several reviews by one model.
    Column("sample", SmallInteger, nullable=False, server_default="0"),
    # The panel as JSON, in a review that was made of several others. It is deleted when another replaces it.
    Column("panel", StorableText),
    UniqueConstraint("paper", "fingerprint"),
    # The recent scores of a model.
    Index("ix_reviews_model_id", "model", "id"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("platform", StorableText, nullable=False),
    Column("workspace", StorableText, nullable=False),
    Column("channel", StorableText, nullable=False),
    # Empty: the main digest of the channel.
    Column("name", StorableText, nullable=False, server_default=""),
    Column("domains", StorableText, nullable=False),
    Column("keywords", StorableText, nullable=False),
    Column("muted", StorableText, nullable=False),
    Column("top", Integer, nullable=False),
    Column("min_score", Float),
    Column("style", StorableText, nullable=False),
    Column("authors", StorableText, nullable=False, server_default="[]"),
    # Rows of an older version have "any".
    Column("match_mode", StorableText, nullable=False, server_default="any"),
    Column("unscored", StorableText, nullable=False, server_default="after"),
    Column("repeat", Boolean, nullable=False, server_default=false()),
    # Empty: the language of the reviews.
    Column("language", StorableText, nullable=False, server_default=""),
    Column("recap", Boolean, nullable=False, server_default=false()),
    # The time of the next weekly recap. Null without one, and until it is computed.
    Column("next_recap_at", Instant),
    # The conversation of one person, the owner, with the bot. Here, in posts and in marks.
    Column("is_direct", Boolean, nullable=False, server_default=false()),
    Column("at", StorableText, nullable=False),
    Column("days", StorableText, nullable=False),
    Column("time_zone", StorableText, nullable=False),
    Column("every_weeks", SmallInteger, nullable=False, server_default="1"),
    Column("week_parity", SmallInteger, nullable=False, server_default="0"),
    Column("is_from_settings", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("next_due_at", Instant, nullable=False),
    Column("paused_by", StorableText, nullable=False, server_default=""),
    Column("paused_by_id", StorableText, nullable=False, server_default=""),
    Column("stop_reason", StorableText, nullable=False, server_default=""),
    Column("owner_id", StorableText, nullable=False, server_default=""),
    # The edition due at next_due_at. Null in rows of an older version until it is recomputed.
    Column("next_edition", Date),
    # First edition after the last subscribing or resuming. Null in rows of an older version.
    Column("running_since", Date),
    UniqueConstraint("platform", "workspace", "channel", "name"),
    Index("ix_subscriptions_active_next_due_at", "active", "next_due_at"),
    Index("ix_subscriptions_recap_next_recap_at", "recap", "next_recap_at"),
    # For the digests of one channel.
    Index("ix_subscriptions_platform_channel", "platform", "channel"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscription", ForeignKey(subscriptions.c.id, ondelete="CASCADE"), nullable=False),
    Column("edition", Date, nullable=False),
    Column("kind", StorableText, nullable=False, server_default="digest"),
    Column("state", StorableText, nullable=False),
    Column("owner", StorableText, nullable=False),
    Column("lease_until", Instant),
    Column("attempts", Integer, nullable=False),
    Column("reason", StorableText, nullable=False),
    Column("next_try_at", Instant),
    Column("watermark", Key),
    # The time the edition was due, and the first of the editions directly before it that were never posted.
    Column("due_at", Instant),
    Column("first_missed", Date),
    # Failed attempts and crashes since a page was last confirmed.
    Column("failures", Integer, nullable=False, server_default="0"),
    # Crashes in a row, since a page was last confirmed or an attempt failed without a crash.
    Column("crashes", Integer, nullable=False, server_default="0"),
    UniqueConstraint("subscription", "edition", "kind"),
    # For a digest without picks: the reason, the time until which late papers reopen it, and the sequence
    # number up to which late papers were considered.
    Column("empty_reason", StorableText, nullable=False, server_default=""),
    Column("late_until", Instant),
    Column("late_watermark", Key),
    # Time of the next failure notice to the owner. Null without one; in the year 9999 once acknowledged.
    Column("notify_at", Instant),
    Index("ix_deliveries_notify_at", "notify_at"),
    Index("ix_deliveries_state_late_until", "state", "late_until"),
    Index("ix_deliveries_subscription_state", "subscription", "state"),
)

pages = Table(
    "pages",
    metadata,
    Column("delivery", ForeignKey(deliveries.c.id, ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("idempotency_key", StorableText, nullable=False),
    Column("payload", StorableText, nullable=False),
    Column("papers", StorableText, nullable=False),
    # State that the page shows, as JSON by paper: version, review number, score, withdrawn or not.
    Column("posted_states", StorableText, nullable=False, server_default=""),
    Column("in_thread", Boolean, nullable=False),
    Column("state", StorableText, nullable=False),
    Column("receipt", StorableText),
    Column("posted_at", Instant),
    # A file that comes with the message, as JSON, until the page is confirmed or given up.
    Column("file", StorableText),
    PrimaryKeyConstraint("delivery", "number"),
)

shown_papers = Table(
    "shown_papers",
    metadata,
    Column("subscription", ForeignKey(subscriptions.c.id, ondelete="CASCADE"), nullable=False),
    Column("paper", ForeignKey(papers.c.id, ondelete="CASCADE"), nullable=False),
    Column("delivery", ForeignKey(deliveries.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("page", Integer, nullable=False),
    PrimaryKeyConstraint("subscription", "paper"),
)

subscription_changes = Table(
    "subscription_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscription", ForeignKey(subscriptions.c.id, ondelete="CASCADE"), nullable=False, index=True),
    # The changeable fields before and after, as JSON. Null where there was no subscription.
    Column("before", StorableText),
    Column("after", StorableText),
    Column("by", StorableText, nullable=False),
    # Platform, workspace and id of the person; empty in rows of an older version.
    Column("by_id", StorableText, nullable=False, server_default=""),
    Column("at", Instant, nullable=False),
)

# Channel ids are unique within a platform, so the keys of posts and marks need no workspace. Marks keep it
# beside their key, since a workspace sees only its own.
posts = Table(
    "posts",
    metadata,
    Column("id", Key, primary_key=True),
    Column("platform", StorableText, nullable=False),
    Column("workspace", StorableText, nullable=False),
    Column("channel", StorableText, nullable=False),
    Column("message_id", StorableText, nullable=False),
    Column("first_number", Integer, nullable=False),
    # Set for a page of a digest, whose payload is in `pages`.
    Column("delivery", ForeignKey(deliveries.c.id, ondelete="CASCADE"), index=True),
    Column("page", Integer),
    # Of a shared card. `payload_without_name` is empty once `payload` itself names nobody, and null in rows
    # of an older version.
    Column("payload", StorableText),
    Column("payload_without_name", StorableText),
    Column("shared_by_id", StorableText, nullable=False, server_default=""),
    Column("is_direct", Boolean, nullable=False, server_default=false()),
    Column("posted_at", Instant, nullable=False),
    UniqueConstraint("platform", "channel", "message_id"),
    Index("ix_posts_platform_posted_at", "platform", "posted_at"),
)

post_papers = Table(
    "post_papers",
    metadata,
    Column("post", ForeignKey(posts.c.id, ondelete="CASCADE"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("paper", StorableText, nullable=False),
    Column("platform", StorableText, nullable=False),
    Column("channel", StorableText, nullable=False),
    # State that the message shows. Review number 0: no review. Null in rows of an older version: unknown.
    Column("version", SmallInteger),
    Column("review_number", Key),
    Column("score", Float),
    Column("is_withdrawn", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("post", "ordinal"),
    Index("ix_post_papers_paper_post", "paper", "post"),
    Index("ix_post_papers_platform_channel_paper_post", "platform", "channel", "paper", "post"),
)

marks = Table(
    "marks",
    metadata,
    Column("platform", StorableText, nullable=False),
    Column("workspace", StorableText, nullable=False, server_default=""),
    Column("channel", StorableText, nullable=False),
    Column("paper", StorableText, nullable=False),
    Column("person", StorableText, nullable=False),
    Column("mark_source", StorableText, nullable=False),
    Column("message_id", StorableText, nullable=False),
    # A removed mark keeps its row, so that an older event that arrives late is recognised as older.
    Column("is_on", Boolean, nullable=False),
    Column("is_direct", Boolean, nullable=False, server_default=false()),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("platform", "channel", "paper", "person", "mark_source", "message_id"),
    Index("ix_marks_at", "at"),
    Index("ix_marks_platform_person_at", "platform", "person", "at"),
    Index("ix_marks_platform_workspace_at", "platform", "workspace", "at"),
)

discussions = Table(
    "discussions",
    metadata,
    Column("paper", StorableText, nullable=False),
    Column("platform", StorableText, nullable=False),
    Column("workspace", StorableText, nullable=False, server_default=""),
    # Empty: discussed in all channels of the workspace.
    Column("channel", StorableText, nullable=False),
    Column("by", StorableText, nullable=False, server_default=""),
    Column("by_id", StorableText, nullable=False, server_default=""),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("paper", "platform", "workspace", "channel"),
)

# Decisions about papers in queues, other than that they were discussed; keys as in `discussions`.
queue_decisions = Table(
    "queue_decisions",
    metadata,
    Column("paper", StorableText, nullable=False),
    Column("platform", StorableText, nullable=False),
    Column("workspace", StorableText, nullable=False),
    Column("channel", StorableText, nullable=False),
    Column("outcome", StorableText, nullable=False),
    # The end of a postponement.
    Column("until", Instant),
    Column("by", StorableText, nullable=False),
    Column("by_id", StorableText, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("paper", "platform", "workspace", "channel"),
)

# Answers about discussed papers, one row a person, keys as in `discussions`. The instants are those of the
# two answers; null without one. `limitation` is the hash of its text.
discussion_answers = Table(
    "discussion_answers",
    metadata,
    Column("platform", StorableText, nullable=False),
    Column("workspace", StorableText, nullable=False),
    Column("channel", StorableText, nullable=False),
    # No foreign key: an answer may outlast its paper.
    Column("paper", StorableText, nullable=False),
    Column("person", StorableText, nullable=False),
    Column("is_worth_it", Boolean),
    Column("worth_it_at", Instant),
    Column("limitation", StorableText, nullable=False, server_default=""),
    Column("limitation_truth", StorableText, nullable=False, server_default=""),
    Column("truth_at", Instant),
    PrimaryKeyConstraint("platform", "workspace", "channel", "paper", "person"),
)

# Notes of people about papers; keys of channels as in `discussions`.
paper_notes = Table(
    "paper_notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("platform", StorableText, nullable=False),
    Column("workspace", StorableText, nullable=False),
    Column("channel", StorableText, nullable=False),
    # No foreign key: a note may outlast its paper.
    Column("paper", StorableText, nullable=False),
    Column("person", StorableText, nullable=False),
    Column("text", StorableText, nullable=False),
    Column("at", Instant, nullable=False),
    # Of a message that was kept as a note: who wrote it, and where it is. Empty otherwise.
    Column("author", StorableText, nullable=False, server_default=""),
    Column("message_channel", StorableText, nullable=False, server_default=""),
    Column("message_id", StorableText, nullable=False, server_default=""),
    Index("ix_paper_notes_platform_workspace_paper", "platform", "workspace", "paper"),
    Index("ix_paper_notes_platform_person", "platform", "person"),
)

# Agreements of the members of groups to share their queues. `members` are all of the group's, as JSON.
queue_consents = Table(
    "queue_consents",
    metadata,
    Column("name", StorableText, nullable=False),
    Column("platform", StorableText, nullable=False),
    Column("workspace", StorableText, nullable=False),
    Column("channel", StorableText, nullable=False),
    Column("members", StorableText, nullable=False),
    Column("by", StorableText, nullable=False),
    Column("by_id", StorableText, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("name", "platform", "workspace", "channel"),
)

# Accounts of one person have one identity, a random text. An account has a row for each workspace in which it
# was linked, all with that identity.
account_links = Table(
    "account_links",
    metadata,
    Column("platform", StorableText, nullable=False),
    Column("workspace", StorableText, nullable=False),
    Column("person", StorableText, nullable=False),
    Column("identity", StorableText, nullable=False, index=True),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("platform", "workspace", "person"),
)

# Codes by which two accounts prove that they are one person's, as hashes. `other_person` typed it first.
link_codes = Table(
    "link_codes",
    metadata,
    Column("code", StorableText, primary_key=True),
    Column("platform", StorableText, nullable=False),
    Column("workspace", StorableText, nullable=False),
    Column("person", StorableText, nullable=False),
    Column("other_platform", StorableText, nullable=False, server_default=""),
    Column("other_workspace", StorableText, nullable=False, server_default=""),
    Column("other_person", StorableText, nullable=False, server_default=""),
    Column("expires_at", Instant, nullable=False),
)

health = Table(
    "health",
    metadata,
    Column("subject", StorableText, primary_key=True),
    Column("trouble", StorableText, nullable=False),
    Column("detail", StorableText, nullable=False),
    Column("waiting_count", Integer, nullable=False),
    Column("since", Instant, nullable=False),
    Column("reported_at", Instant, nullable=False),
)

post_edits = Table(
    "post_edits",
    metadata,
    Column("post", ForeignKey(posts.c.id, ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("due_at", Instant, index=True),
    Column("not_before", Instant),
    Column("change_seq", Key, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_text", StorableText, nullable=False),
    # Not tried again, for example because the message was deleted.
    Column("is_abandoned", Boolean, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", StorableText, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
)

sources = Table(
    "sources",
    metadata,
    Column("name", StorableText, primary_key=True),
    Column("position", StorableText, nullable=False),
    Column("last_try", Instant),
    Column("last_success", Instant),
    Column("failure", StorableText, nullable=False),
    Column("next_try_at", Instant),
)

turns = Table(
    "turns",
    metadata,
    Column("name", StorableText, primary_key=True),
    Column("owner", StorableText, nullable=False),
    Column("free_at", Instant, nullable=False),
)

# Papers that people asked for. No foreign key: the paper need not be known yet. `granted_on` is the day (UTC)
# on which the paper was given one of the day's full reviews.
paper_requests = Table(
    "paper_requests",
    metadata,
    Column("paper", StorableText, primary_key=True),
    Column("platform", StorableText, primary_key=True),
    Column("workspace", StorableText, primary_key=True),
    Column("person", StorableText, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("granted_on", Date),
)

notes = Table(
    "notes",
    metadata,
    Column("name", StorableText, primary_key=True),
    Column("text", StorableText, nullable=False),
)

# Queue of our own reviewer: one row per paper that waits or was abandoned.
review_queue = Table(
    "review_queue",
    metadata,
    Column("paper", StorableText, primary_key=True),
    Column("review_depth", StorableText, nullable=False),
    Column("priority", Float, nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", StorableText, nullable=False),
    Column("next_try_at", Instant),
    Column("is_abandoned", Boolean, nullable=False),
    Index("ix_review_queue_review_depth_priority", "review_depth", "priority"),
)

# Full texts that ended their reader, or whose reading has begun and not ended: the number of such readings.
# Version 0 means unknown. No foreign key: a row outlasts the task and the review.
unreadable_texts = Table(
    "unreadable_texts",
    metadata,
    Column("paper", StorableText, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("marked_at", Instant, nullable=False),
    Column("reading_count", Integer, nullable=False, server_default="2"),
)

# Spending of our own reviewer per day (UTC), open reservations included. Money is in millionths.
review_spending = Table(
    "review_spending",
    metadata,
    Column("day", Date, primary_key=True),
    Column("tokens", Key, nullable=False),
    Column("millionths", Key, nullable=False),
    Column("full_reviews", Integer, nullable=False),
)

# Papers held for a moderator, and the decisions.
holds = Table(
    "holds",
    metadata,
    Column("paper", StorableText, primary_key=True),
    Column("state", StorableText, nullable=False),
    Column("reason", StorableText, nullable=False),
    Column("by", StorableText, nullable=False),
    Column("by_id", StorableText, nullable=False, server_default=""),
    Column("at", Instant, nullable=False),
)

# Reports of readers about a part of a review. `limitation` is the digest of the text in `subject`.
feedback = Table(
    "feedback",
    metadata,
    Column("platform", StorableText, nullable=False),
    Column("workspace", StorableText, nullable=False),
    Column("channel", StorableText, nullable=False),
    # No foreign key: an opinion may outlast its paper.
    Column("paper", StorableText, nullable=False),
    Column("person", StorableText, nullable=False),
    Column("is_more", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("platform", "workspace", "channel", "paper", "person"),
    Index("ix_feedback_channel_at", "channel", "at"),
    Index("ix_feedback_platform_person_at", "platform", "person", "at"),
    Index("ix_feedback_at", "at"),
)

review_reports = Table(
    "review_reports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("platform", StorableText, nullable=False),
    Column("workspace", StorableText, nullable=False),
    Column("person", StorableText, nullable=False),
    # No foreign key: a report may outlast its paper.
    Column("paper", StorableText, nullable=False),
    Column("part", StorableText, nullable=False),
    Column("limitation", StorableText, nullable=False),
    Column("subject", StorableText, nullable=False),
    Column("is_right", Boolean, nullable=False),
    Column("reason", StorableText, nullable=False),
    Column("is_suspect", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint(
        "paper", "platform", "workspace", "person", "part", "limitation", name="uq_review_reports_person_part"
    ),
    Index("ix_review_reports_platform_person_at", "platform", "person", "at"),
    Index("ix_review_reports_at", "at"),
)

# Papers that are reviewed anew, one row a paper. `by` is the decider, `granted_on` the day (UTC) of whose
# full reviews it has one. `review_number` and `limitations`, as JSON, are those of the doubted review.
re_reviews = Table(
    "re_reviews",
    metadata,
    Column("paper", StorableText, primary_key=True),
    Column("report", ForeignKey(review_reports.c.id, ondelete="SET NULL"), index=True),
    Column("review_number", Key, nullable=False),
    Column("limitations", StorableText, nullable=False),
    Column("by", StorableText, nullable=False),
    Column("by_id", StorableText, nullable=False),
    Column("at", Instant, nullable=False),
    Column("granted_on", Date),
    # Of the newest re-review that was finished: another one is open while `finished_at` is earlier than `at`.
    # Reports from until `began_at` are answered by it.
    Column("began_at", Instant),
    Column("finished_at", Instant),
)

# Allow-list of the workspaces of platforms on which anybody can add the app.
workspaces = Table(
    "workspaces",
    metadata,
    Column("platform", StorableText, primary_key=True),
    Column("workspace", StorableText, primary_key=True),
    Column("name", StorableText, nullable=False),
    Column("state", StorableText, nullable=False),
    Column("at", Instant, nullable=False),
)

# Workspaces that removed the app, until they are back or erased.
removals = Table(
    "removals",
    metadata,
    Column("platform", StorableText, primary_key=True),
    Column("workspace", StorableText, primary_key=True),
    Column("at", Instant, nullable=False),
)

# Tokens of programs and of the operator's page. Of its secret a token keeps a SHA-256 alone. `created_by` and
# `revoked_by` name accounts of the machine.
access_tokens = Table(
    "access_tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("purpose", StorableText, nullable=False),
    # All empty for a token that is bound to no workspace.
    Column("platform", StorableText, nullable=False, server_default=""),
    Column("workspace", StorableText, nullable=False, server_default=""),
    Column("channel", StorableText, nullable=False, server_default=""),
    Column("label", StorableText, nullable=False, server_default=""),
    Column("secret_hash", StorableText, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", StorableText, nullable=False),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    Column("revoked_by", StorableText, nullable=False, server_default=""),
)

# Installations of the app, one row a workspace or organization, with encrypted tokens; an ended one has none.
# `revision` changes with the tokens. `renewal_until` is the end of the lease of who renews them.
installations = Table(
    "installations",
    metadata,
    Column("platform", StorableText, primary_key=True),
    Column("workspace", StorableText, primary_key=True),
    Column("name", StorableText, nullable=False),
    Column("is_organization", Boolean, nullable=False),
    Column("app_id", StorableText, nullable=False),
    Column("bot_user", StorableText, nullable=False),
    Column("bot_id", StorableText, nullable=False),
    Column("scopes", StorableText, nullable=False),
    Column("installed_by", StorableText, nullable=False),
    Column("installed_at", Instant, nullable=False),
    Column("tokens", StorableText, nullable=False),
    Column("key_id", StorableText, nullable=False),
    Column("expires_at", Instant),
    Column("revision", StorableText, nullable=False),
    Column("ended_at", Instant),
    Column("problem", StorableText, nullable=False),
    Column("renewal_owner", StorableText, nullable=False),
    Column("renewal_until", Instant),
)

# Conditions that the operator is alerted to. `changed_at` is the last start or end, and `is_told` the state
# that the last message gave.
alerts = Table(
    "alerts",
    metadata,
    Column("kind", StorableText, primary_key=True),
    Column("subject", StorableText, primary_key=True),
    Column("detail", StorableText, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("since", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("is_told", Boolean, nullable=False),
)

# The outbox of alerts: one row at most. `content` has the alerts as JSON.
alert_messages = Table(
    "alert_messages",
    metadata,
    Column("idempotency_key", StorableText, primary_key=True),
    Column("content", StorableText, nullable=False),
    Column("sent_at", Instant),
    Column("attempts", Integer, nullable=False),
    Column("next_try_at", Instant, nullable=False),
)

# Workspaces that did not accept the app's token when it last posted.
lost_access = Table(
    "lost_access",
    metadata,
    Column("platform", StorableText, primary_key=True),
    Column("workspace", StorableText, primary_key=True),
    Column("detail", StorableText, nullable=False),
    Column("at", Instant, nullable=False),
)

# Workspaces that have the app by an installation in their organization.
organization_members = Table(
    "organization_members",
    metadata,
    Column("platform", StorableText, primary_key=True),
    Column("workspace", StorableText, primary_key=True),
    Column("organization", StorableText, nullable=False),
)

# Verdicts of a model on two paper versions, in the order in which they were shown.
comparisons = Table(
    "comparisons",
    metadata,
    Column("scale", StorableText, primary_key=True),
    Column("first", StorableText, primary_key=True),
    Column("second", StorableText, primary_key=True),
    Column("verdict", StorableText, nullable=False),
    Column("at", Instant, nullable=False),
)

# Ranking of a day's best papers after comparison. A rank is valid only for the review it names.
pairwise_ranks = Table(
    "pairwise_ranks",
    metadata,
    Column("review", Key, primary_key=True, autoincrement=False),
    Column("paper", StorableText, nullable=False),
    Column("day", Date, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("group_size", Integer, nullable=False),
    Index("ix_pairwise_ranks_day", "day"),
)

# Texts of a paper's review in other languages. One counts only for the texts whose hash it names.
translations = Table(
    "translations",
    metadata,
    Column("paper", StorableText, primary_key=True),
    Column("language", StorableText, primary_key=True),
    Column("source", StorableText, nullable=False),
    Column("tldr", StorableText, nullable=False),
    Column("limitations", StorableText, nullable=False),
    Column("at", Instant, nullable=False),
)

# Questions of the model about limitations, which are named by their hash. Empty: it wrote none of use.
starter_questions = Table(
    "starter_questions",
    metadata,
    Column("paper", StorableText, primary_key=True),
    Column("limitation", StorableText, primary_key=True),
    Column("question", StorableText, nullable=False),
    Column("at", Instant, nullable=False),
)

# Plans of meetings, one for a digest. `at`, `by` and `by_id` are those of the last change, and `before` is
# the plan before it, as JSON. A plan that was ended is not active.
meeting_plans = Table(
    "meeting_plans",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscription", ForeignKey(subscriptions.c.id, ondelete="CASCADE"), nullable=False, unique=True),
    Column("content", StorableText, nullable=False),
    Column("before", StorableText, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    # The instant at which something of the plan is due; null if nothing is.
    Column("next_step_at", Instant, index=True),
    Column("by", StorableText, nullable=False),
    Column("by_id", StorableText, nullable=False),
    Column("at", Instant, nullable=False),
)

# The last one of a plan, by its key, is the coming one.
meetings = Table(
    "meetings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("plan", ForeignKey(meeting_plans.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("poll_at", Instant, nullable=False),
    Column("closes_at", Instant, nullable=False),
    Column("reminder_at", Instant, nullable=False),
    Column("starts_at", Instant, nullable=False),
    # No foreign key: a meeting may outlast its paper.
    Column("paper", StorableText),
    Column("chosen_at", Instant),
    Column("presenter", StorableText, nullable=False, server_default=""),
    Column("is_held", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
)

meeting_candidates = Table(
    "meeting_candidates",
    metadata,
    Column("meeting", ForeignKey(meetings.c.id, ondelete="CASCADE"), nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column("paper", StorableText, nullable=False),
    Column("score", Float),
    PrimaryKeyConstraint("meeting", "number"),
)

meeting_votes = Table(
    "meeting_votes",
    metadata,
    Column("meeting", ForeignKey(meetings.c.id, ondelete="CASCADE"), nullable=False),
    Column("person", StorableText, nullable=False),
    Column("paper", StorableText, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    PrimaryKeyConstraint("meeting", "person"),
)

# People who may lead meetings of a plan. `declined` is the meeting that the person gave up last.
meeting_members = Table(
    "meeting_members",
    metadata,
    Column("plan", ForeignKey(meeting_plans.c.id, ondelete="CASCADE"), nullable=False),
    Column("person", StorableText, nullable=False),
    Column("joined_at", Instant, nullable=False),
    Column("passed_at", Instant),
    Column("away_first", Date),
    Column("away_last", Date),
    Column("declined", ForeignKey(meetings.c.id, ondelete="SET NULL"), index=True),
    PrimaryKeyConstraint("plan", "person"),
)

# Deliveries that are posts of a meeting. Their watermark is the revision of the meeting that they show.
meeting_posts = Table(
    "meeting_posts",
    metadata,
    Column(
        "delivery", ForeignKey(deliveries.c.id, ondelete="CASCADE"), primary_key=True, autoincrement=False
    ),
    Column("meeting", ForeignKey(meetings.c.id, ondelete="CASCADE"), nullable=False, index=True),
)
