"""Keep who shared a card, its content without the name, and which workspaces removed the app."""

import sqlalchemy as sa
from alembic import op

revision = "0106"
down_revision = "0105"


def upgrade() -> None:
    """Add the columns and the table, empty."""
    op.add_column("posts", sa.Column("payload_without_name", sa.Text()))
    op.add_column("posts", sa.Column("shared_by_id", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "removals",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("platform", "workspace", name=op.f("pk_removals")),
    )
