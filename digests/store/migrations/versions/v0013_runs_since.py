"""Since when a channel has been getting digests without anybody's break."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("runs_since", sa.Date(), nullable=True))
