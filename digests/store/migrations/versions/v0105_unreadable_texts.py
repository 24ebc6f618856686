"""Keep which full texts ended their reader."""

import sqlalchemy as sa
from alembic import op

revision = "0105"
down_revision = "0104"


def upgrade() -> None:
    """Create the table, empty."""
    op.create_table(
        "unreadable_texts",
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("paper", "version", name=op.f("pk_unreadable_texts")),
    )
