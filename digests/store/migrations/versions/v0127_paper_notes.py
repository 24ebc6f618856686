"""Keep notes of people about papers."""

import sqlalchemy as sa
from alembic import op

revision = "0127"
down_revision = "0126"


def upgrade() -> None:
    """Add the table, empty."""
    op.create_table(
        "paper_notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_notes")),
    )
    op.create_index(
        "ix_paper_notes_platform_workspace_paper", "paper_notes", ["platform", "workspace", "paper"]
    )
    op.create_index("ix_paper_notes_platform_person", "paper_notes", ["platform", "person"])
