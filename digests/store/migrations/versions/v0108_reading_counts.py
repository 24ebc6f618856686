"""Count the readings of a full text that never ended."""

import sqlalchemy as sa
from alembic import op

revision = "0108"
down_revision = "0107"


def upgrade() -> None:
    """Add the column. Full texts that were marked stay unreadable."""
    op.add_column(
        "unreadable_texts", sa.Column("reading_count", sa.Integer(), nullable=False, server_default="2")
    )
