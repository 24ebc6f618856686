"""Who is told when a channel's digests stop; which edition is due next, by which zones, and how late it is."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("owner", sa.Text(), nullable=False, server_default=""))
    op.add_column("subscriptions", sa.Column("next_edition", sa.Date(), nullable=True))
    op.add_column("deliveries", sa.Column("due_at", Instant, nullable=True))
    op.add_column("deliveries", sa.Column("first_missed", sa.Date(), nullable=True))
    op.add_column("deliveries", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
