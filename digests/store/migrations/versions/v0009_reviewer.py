"""What our own reviewer made, what waits for it, what it cost, and what is held."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("papers", sa.Column("scale", sa.Text(), nullable=False, server_default=""))
    op.add_column("reviews", sa.Column("stage", sa.Text(), nullable=False, server_default=""))
    op.add_column("reviews", sa.Column("assessment", sa.Text(), nullable=True))
    op.execute(
        "UPDATE papers SET scale = COALESCE((SELECT model FROM reviews WHERE reviews.id = papers.review), '') "
        "WHERE review IS NOT NULL"
    )
    op.create_table(
        "review_queue",
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("promise", sa.Float(), nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("next_try_at", Instant, nullable=True),
        sa.Column("given_up", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("paper", name=op.f("pk_review_queue")),
    )
    op.create_index("ix_review_queue_stage_promise", "review_queue", ["stage", "promise"])
    op.create_table(
        "review_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("tokens", Key, nullable=False),
        sa.Column("millionths", Key, nullable=False),
        sa.Column("full_reviews", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_review_days")),
    )
    op.create_table(
        "holds",
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("paper", name=op.f("pk_holds")),
    )
