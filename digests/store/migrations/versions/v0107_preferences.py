"""Keep the authors that a channel follows, how its filters combine, and its papers without a score."""

import sqlalchemy as sa
from alembic import op

revision = "0107"
down_revision = "0106"


def upgrade() -> None:
    """Add the columns. Stored subscriptions keep what they had: either a domain or a keyword is enough."""
    for name, default in (("authors", "[]"), ("match_mode", "any"), ("unscored", "after")):
        op.add_column("subscriptions", sa.Column(name, sa.Text(), nullable=False, server_default=default))
