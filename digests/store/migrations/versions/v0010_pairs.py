"""Papers compared in pairs, and the order that came out of it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "comparisons",
        sa.Column("scale", sa.Text(), nullable=False),
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("second", sa.Text(), nullable=False),
        sa.Column("better", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("scale", "first", "second", name=op.f("pk_comparisons")),
    )
    op.create_table(
        "placings",
        sa.Column("review", Key, autoincrement=False, nullable=False),
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("among", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("review", name=op.f("pk_placings")),
    )
    op.create_index("ix_placings_day", "placings", ["day"])
