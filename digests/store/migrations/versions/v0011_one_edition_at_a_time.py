"""Whether an older edition of a channel is unfinished is asked whenever a newer one is due."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_index("ix_deliveries_subscription_state", "deliveries", ["subscription", "state"])
