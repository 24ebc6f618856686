"""Owners who are still to be told that a digest was given up, and how often an edition's process died over it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("deaths", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("deliveries", sa.Column("tell_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_deliveries_tell_at", "deliveries", ["tell_at"])
