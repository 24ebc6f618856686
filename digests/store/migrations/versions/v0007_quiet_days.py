"""Days without papers, which may become digests when papers come in late."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("empty_because", sa.Text(), nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("quiet_until", Instant, nullable=True))
    op.add_column("deliveries", sa.Column("looked_to", Key, nullable=True))
    op.drop_index("ix_deliveries_state", "deliveries")
    op.create_index("ix_deliveries_state_quiet_until", "deliveries", ["state", "quiet_until"])
