"""Keep the workspace of marks and discussions, and the id of the person who did something."""

import sqlalchemy as sa
from alembic import op

from digests.store.workspace_filling import fill_workspaces

revision = "0104"
down_revision = "0103"


def upgrade() -> None:
    """Add the columns, and fill in the workspaces that other tables know."""
    _add_text_columns("marks", "workspace")
    op.create_index("ix_marks_platform_workspace_at", "marks", ["platform", "workspace", "at"], unique=False)
    _add_text_columns("subscriptions", "paused_by_id")
    _add_text_columns("subscription_changes", "by_id")
    _add_text_columns("holds", "by_id")
    _recreate_discussions()
    fill_workspaces(op.get_bind())


def _add_text_columns(table: str, *names: str) -> None:
    for name in names:
        op.add_column(table, sa.Column(name, sa.Text(), nullable=False, server_default=""))


def _recreate_discussions() -> None:
    """Make the workspace a part of the primary key, which SQLite can do only with a new table."""
    op.execute("CREATE TABLE discussions_before AS SELECT paper, platform, channel, at FROM discussions")
    op.drop_table("discussions")
    op.create_table(
        "discussions",
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False, server_default=""),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False, server_default=""),
        sa.Column("by_id", sa.Text(), nullable=False, server_default=""),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("paper", "platform", "workspace", "channel", name=op.f("pk_discussions")),
    )
    op.execute(
        "INSERT INTO discussions (paper, platform, channel, at) "
        "SELECT paper, platform, channel, at FROM discussions_before"
    )
    op.execute("DROP TABLE discussions_before")
