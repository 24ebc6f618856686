"""Keep whether a digest has a weekly recap, and when the next one comes."""

import sqlalchemy as sa
from alembic import op

revision = "0128"
down_revision = "0127"


def upgrade() -> None:
    """Add the columns. Stored digests have no recap."""
    op.add_column(
        "subscriptions", sa.Column("recap", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("subscriptions", sa.Column("next_recap_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_subscriptions_next_recap_at"), "subscriptions", ["next_recap_at"])
