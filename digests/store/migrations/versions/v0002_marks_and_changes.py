"""Posts, marks and the queue; who changed a channel's digest; pausing and stopping."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("paused_by", sa.Text(), nullable=False, server_default=""))
    op.add_column("subscriptions", sa.Column("stopped", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscription", sa.Integer(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription"], ["subscriptions.id"], name=op.f("fk_changes_subscription"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
    )
    op.create_index(op.f("ix_changes_subscription"), "changes", ["subscription"])
    op.create_table(
        "posts",
        sa.Column("id", Key, nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("first_number", sa.Integer(), nullable=False),
        sa.Column("delivery", sa.Integer(), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("posted_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery"], ["deliveries.id"], name=op.f("fk_posts_delivery"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posts")),
        sa.UniqueConstraint("platform", "channel", "message", name=op.f("uq_posts_platform_channel_message")),
    )
    op.create_index(op.f("ix_posts_delivery"), "posts", ["delivery"])
    op.create_index("ix_posts_platform_posted_at", "posts", ["platform", "posted_at"])
    op.create_table(
        "post_papers",
        sa.Column("post", Key, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["post"], ["posts.id"], name=op.f("fk_post_papers_post"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("post", "place", name=op.f("pk_post_papers")),
    )
    op.create_index(
        "ix_post_papers_platform_channel_paper_post", "post_papers", ["platform", "channel", "paper", "post"]
    )
    op.create_table(
        "marks",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("marked_by", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint(
            "platform", "channel", "paper", "person", "marked_by", "message", name=op.f("pk_marks")
        ),
    )
    op.create_index("ix_marks_at", "marks", ["at"])
    op.create_index("ix_marks_platform_person_at", "marks", ["platform", "person", "at"])
    op.create_table(
        "discussed",
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("paper", "platform", "channel", name=op.f("pk_discussed")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_at"), "events", ["at"])
