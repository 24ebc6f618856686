"""Note which digests, posts and marks are in a person's direct messages. Those of before are in channels."""

import sqlalchemy as sa
from alembic import op

revision = "0114"
down_revision = "0113"


def upgrade() -> None:
    """Add a flag to the tables whose rows name a channel that may be one person's."""
    for table in ("subscriptions", "posts", "marks"):
        op.add_column(table, sa.Column("is_direct", sa.Boolean(), nullable=False, server_default=sa.false()))
