"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", Key, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index(op.f("ix_imports_at"), "imports", ["at"], unique=False)
    op.create_table(
        "papers",
        sa.Column("id", Key, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("authors", sa.Text(), nullable=False),
        sa.Column("abstract", sa.Text(), nullable=False),
        sa.Column("primary_category", sa.Text(), nullable=False),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("published", sa.Date(), nullable=True),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("tldr", sa.Text(), nullable=False),
        sa.Column("review", Key, nullable=True),
        sa.Column("known", Key, nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed", Key, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_papers")),
        sa.UniqueConstraint("changed", name=op.f("uq_papers_changed")),
        sa.UniqueConstraint("known", name=op.f("uq_papers_known")),
        sa.UniqueConstraint("name", name=op.f("uq_papers_name")),
    )
    op.create_index("ix_papers_known_at_known", "papers", ["known_at", "known"], unique=False)
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("domains", sa.Text(), nullable=False),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.Column("muted", sa.Text(), nullable=False),
        sa.Column("top", sa.Integer(), nullable=False),
        sa.Column("min_score", sa.Float(), nullable=True),
        sa.Column("style", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("days", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("from_settings", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint(
            "platform", "workspace", "channel", name=op.f("uq_subscriptions_platform_workspace_channel")
        ),
    )
    op.create_index(
        "ix_subscriptions_active_next_due_at", "subscriptions", ["active", "next_due_at"], unique=False
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscription", sa.Integer(), nullable=False),
        sa.Column("edition", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("considered_to", Key, nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription"],
            ["subscriptions.id"],
            name=op.f("fk_deliveries_subscription"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("subscription", "edition", name=op.f("uq_deliveries_subscription_edition")),
    )
    op.create_index("ix_deliveries_state", "deliveries", ["state"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("id", Key, autoincrement=False, nullable=False),
        sa.Column("paper", Key, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("tldr", sa.Text(), nullable=False),
        sa.Column("methodology", sa.Text(), nullable=False),
        sa.Column("experiments", sa.Text(), nullable=False),
        sa.Column("reproducibility", sa.Text(), nullable=False),
        sa.Column("limitations", sa.Text(), nullable=False),
        sa.Column("impact", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_depth", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["paper"], ["papers.id"], name=op.f("fk_reviews_paper"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("paper", "fingerprint", name=op.f("uq_reviews_paper_fingerprint")),
    )
    op.create_table(
        "pages",
        sa.Column("delivery", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("papers", sa.Text(), nullable=False),
        sa.Column("in_thread", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery"], ["deliveries.id"], name=op.f("fk_pages_delivery"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("delivery", "number", name=op.f("pk_pages")),
    )
    op.create_table(
        "shown",
        sa.Column("subscription", sa.Integer(), nullable=False),
        sa.Column("paper", Key, nullable=False),
        sa.Column("delivery", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery"], ["deliveries.id"], name=op.f("fk_shown_delivery"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["paper"], ["papers.id"], name=op.f("fk_shown_paper"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["subscription"], ["subscriptions.id"], name=op.f("fk_shown_subscription"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subscription", "paper", name=op.f("pk_shown")),
    )
    op.create_index(op.f("ix_shown_delivery"), "shown", ["delivery"], unique=False)

    op.bulk_insert(
        sa.table("counters", sa.column("name", sa.Text), sa.column("value", sa.Integer)),
        [{"name": "change", "value": 0}],
    )
