"""The tables. One model for SQLite and PostgreSQL; a test holds the migrations equal to it.

Every change of a paper or review draws a number, in the order in which the changes become visible. A paper's and a
review's own key is the number it came with.
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
"""SQLite makes a key of its own row numbers only of INTEGER."""


class StorableText(TypeDecorator[str]):
    """Text without NULs and halves of surrogate pairs: PostgreSQL refuses both, and what is in one store must fit the other."""

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
    """An instant in UTC: aware outside, and in SQLite, which knows no zones, written without one."""

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
    # The newest review's, so that picking reads one table.
    Column("score", Float),
    Column("rank", Integer),
    Column("tldr", StorableText, nullable=False),
    Column("review", Key),
    Column("upvotes", Integer),
    Column("code_url", StorableText, nullable=False, server_default=""),
    Column("scale", StorableText, nullable=False, server_default=""),
    # Numbers: of the change by which this paper was known (with this review), and of its last change of any kind.
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
    # Of our own reviewer: how far it went, and how it came to the rest, as JSON.
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
    Column("domains", StorableText, nullable=False),
    Column("keywords", StorableText, nullable=False),
    Column("muted", StorableText, nullable=False),
    Column("top", Integer, nullable=False),
    Column("min_score", Float),
    Column("style", StorableText, nullable=False),
    Column("at", StorableText, nullable=False),
    Column("days", StorableText, nullable=False),
    Column("time_zone", StorableText, nullable=False),
    Column("is_from_settings", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("next_due_at", Instant, nullable=False),
    Column("paused_by", StorableText, nullable=False, server_default=""),
    Column("stop_reason", StorableText, nullable=False, server_default=""),
    Column("owner_id", StorableText, nullable=False, server_default=""),
    # The edition that is due at next_due_at; null in a store of an older version until it is reckoned again.
    Column("next_edition", Date),
    # The channel's own date on which somebody last subscribed it or resumed it; null in a store of an older version.
    Column("running_since", Date),
    UniqueConstraint("platform", "workspace", "channel"),
    Index("ix_subscriptions_active_next_due_at", "active", "next_due_at"),
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
    # When it was to come, and the first edition before it that did not.
    Column("due_at", Instant),
    Column("first_missed", Date),
    # Tries that failed since a page last landed.
    Column("failures", Integer, nullable=False, server_default="0"),
    # How often in a row its process left it in the middle.
    Column("crashes", Integer, nullable=False, server_default="0"),
    UniqueConstraint("subscription", "edition", "kind"),
    # Of a digest without picks: its kind, until when papers that come in still make it one, and up to which number they
    # were looked at.
    Column("empty_reason", StorableText, nullable=False, server_default=""),
    Column("late_until", Instant),
    Column("late_watermark", Key),
    # When its owner is to be told next that it was given up; null: there is nothing to tell.
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
    # What it says of them, as JSON: by paper its version, its review's number and score, and whether it is withdrawn.
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
    # What can be changed, as JSON; null where there was or is no subscription.
    Column("before", StorableText),
    Column("after", StorableText),
    Column("by", StorableText, nullable=False),
    Column("at", Instant, nullable=False),
)

# A channel's id is its platform's own and no other's, so that posts and marks do without the workspace.
posts = Table(
    "posts",
    metadata,
    Column("id", Key, primary_key=True),
    Column("platform", StorableText, nullable=False),
    Column("workspace", StorableText, nullable=False),
    Column("channel", StorableText, nullable=False),
    Column("message_id", StorableText, nullable=False),
    Column("first_number", Integer, nullable=False),
    # A page of a digest has its payload there.
    Column("delivery", ForeignKey(deliveries.c.id, ondelete="CASCADE"), index=True),
    Column("page", Integer),
    Column("payload", StorableText),
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
    # What the message says of the paper; review 0: that it has none. Null: not known, in a store of an older version.
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
    Column("channel", StorableText, nullable=False),
    Column("paper", StorableText, nullable=False),
    Column("person", StorableText, nullable=False),
    Column("mark_source", StorableText, nullable=False),
    Column("message_id", StorableText, nullable=False),
    # A mark that was taken back stays, so that an older word that comes late is known to be older.
    Column("is_on", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("platform", "channel", "paper", "person", "mark_source", "message_id"),
    Index("ix_marks_at", "at"),
    Index("ix_marks_platform_person_at", "platform", "person", "at"),
)

discussions = Table(
    "discussions",
    metadata,
    Column("paper", StorableText, nullable=False),
    # Both empty: off everybody's queue.
    Column("platform", StorableText, nullable=False),
    Column("channel", StorableText, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("paper", "platform", "channel"),
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
    # Its message is not there any more.
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

# By a person; the paper need not be known yet.
paper_requests = Table(
    "paper_requests",
    metadata,
    Column("paper", StorableText, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
)

notes = Table(
    "notes",
    metadata,
    Column("name", StorableText, primary_key=True),
    Column("text", StorableText, nullable=False),
)

# What our own reviewer has to read. One row a paper, while it waits or after it was given up.
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

# What our own reviewer used on a day (UTC), with what calls under way may still use. Money in millionths.
review_spending = Table(
    "review_spending",
    metadata,
    Column("day", Date, primary_key=True),
    Column("tokens", Key, nullable=False),
    Column("millionths", Key, nullable=False),
    Column("full_reviews", Integer, nullable=False),
)

# Papers that a person decides about.
holds = Table(
    "holds",
    metadata,
    Column("paper", StorableText, primary_key=True),
    Column("state", StorableText, nullable=False),
    Column("reason", StorableText, nullable=False),
    Column("by", StorableText, nullable=False),
    Column("at", Instant, nullable=False),
)

# What a model found of two papers, in the order in which they were shown; each named with its version.
comparisons = Table(
    "comparisons",
    metadata,
    Column("scale", StorableText, primary_key=True),
    Column("first", StorableText, primary_key=True),
    Column("second", StorableText, primary_key=True),
    Column("verdict", StorableText, nullable=False),
    Column("at", Instant, nullable=False),
)

# The order of a day's best after they were compared: it holds for these very reviews.
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
