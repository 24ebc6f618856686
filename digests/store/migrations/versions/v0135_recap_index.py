"""Find the recaps that are due without a look at every subscription."""

from alembic import op

revision = "0135"
down_revision = "0134"


def upgrade() -> None:
    """Let the index of recaps' times begin with the digests that have recaps."""
    op.drop_index("ix_subscriptions_next_recap_at", "subscriptions")
    op.create_index("ix_subscriptions_recap_next_recap_at", "subscriptions", ["recap", "next_recap_at"])
