"""Tables for SQLite and PostgreSQL. A test compares them with the migrations.

Every change of a paper or review draws a sequence number. Numbers become visible in ascending order. The key
of a paper or review is the number of the change that added it.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
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
        if value is None or (value.isascii() and "\x00" not in value):
            return value
        value = value.replace("\x00", "")
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
        return value


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
    # Sequence numbers. known_seq: the change that brought the paper or its newest review;
    # negative for an unannounced paper without a review.
    # changed_seq: the last change of any kind.
    Column("known_seq", Key, nullable=False, unique=True),
    Column("known_at", Instant, nullable=False),
    Column("changed_seq", Key, nullable=False, unique=True),
    Index("ix_papers_known_at_known_seq", "known_at", "known_seq"),
)

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
    UniqueConstraint("paper", "fingerprint"),
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
