"""Keep reviews by model and sample, and the panels that are made of them."""

import sqlalchemy as sa
from alembic import op

revision = "0113"
down_revision = "0109"


def upgrade() -> None:
    """Add the columns and the index. Stored reviews are single samples and no panels."""
    op.add_column("reviews", sa.Column("sample", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("reviews", sa.Column("panel", sa.Text(), nullable=True))
    op.create_index("ix_reviews_model_id", "reviews", ["model", "id"], unique=False)
