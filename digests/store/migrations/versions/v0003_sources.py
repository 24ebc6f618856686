"""How far each source has come, whose turn it is to ask, what people asked for; upvotes and code."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("papers", sa.Column("upvotes", sa.Integer(), nullable=True))
    op.add_column("papers", sa.Column("code_url", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "sources",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("last_try", Instant, nullable=True),
        sa.Column("last_success", Instant, nullable=True),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("next_try_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sources")),
    )
    op.create_table(
        "turns",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("free_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_turns")),
    )
    op.create_table(
        "asked_for",
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("paper", name=op.f("pk_asked_for")),
    )
    op.create_index(op.f("ix_asked_for_at"), "asked_for", ["at"])
