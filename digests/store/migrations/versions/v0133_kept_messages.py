"""Keep messages of people as notes: who wrote them, and where they are."""

import sqlalchemy as sa
from alembic import op

revision = "0133"
down_revision = "0132"


def upgrade() -> None:
    """Add the columns. Stored notes are no messages."""
    for name in ("author", "message_channel", "message_id"):
        op.add_column("paper_notes", sa.Column(name, sa.Text(), nullable=False, server_default=""))
