"""Keep the language of a channel's digest, and the translations of reviews."""

import sqlalchemy as sa
from alembic import op

revision = "0118"
down_revision = "0117"


def upgrade() -> None:
    """Add the column, for the original language, and the table, empty."""
    op.add_column("subscriptions", sa.Column("language", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "translations",
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("tldr", sa.Text(), nullable=False),
        sa.Column("limitations", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("paper", "language", name=op.f("pk_translations")),
    )
