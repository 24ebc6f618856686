"""Let a channel have several digests: their names, rhythms of two weeks, and papers that are repeated."""

import sqlalchemy as sa
from alembic import op

revision = "0109"
down_revision = "0108"

OLD_KEY = "uq_subscriptions_platform_workspace_channel"
NEW_KEY = "uq_subscriptions_platform_workspace_channel_name"


def upgrade() -> None:
    """Add the columns, and make the name a part of the unique key. Stored digests are the main ones."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite and op.get_bind().exec_driver_sql("PRAGMA foreign_keys").scalar():
        _require_no_rows()
    # SQLite can change a key only in a new table, which Alembic fills and renames.
    with op.batch_alter_table("subscriptions", recreate="auto") as table:
        table.add_column(sa.Column("name", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("repeat", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("every_weeks", sa.SmallInteger(), nullable=False, server_default="1"))
        table.add_column(sa.Column("week_parity", sa.SmallInteger(), nullable=False, server_default="0"))
        table.drop_constraint(OLD_KEY, type_="unique")
        table.create_unique_constraint(NEW_KEY, ["platform", "workspace", "channel", "name"])
    op.create_index(
        "ix_subscriptions_platform_channel", "subscriptions", ["platform", "channel"], unique=False
    )


def _require_no_rows() -> None:
    """Raise an error if SQLite would delete the deliveries together with the old table."""
    if op.get_bind().exec_driver_sql("SELECT count(*) FROM subscriptions").scalar():
        raise RuntimeError("The table of subscriptions can only be recreated without foreign keys.")
