"""Keep when a re-review began: reports from afterwards are not answered by it."""

import sqlalchemy as sa
from alembic import op

revision = "0122"
down_revision = "0121"


def upgrade() -> None:
    """Add the column. Of a finished re-review only the time of its request is known, which was earlier."""
    op.add_column("re_reviews", sa.Column("began_at", sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE re_reviews SET began_at = CASE WHEN finished_at >= at THEN at ELSE finished_at END "
        "WHERE finished_at IS NOT NULL"
    )
