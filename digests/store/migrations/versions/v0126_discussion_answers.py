"""Keep people's answers about papers that they discussed."""

import sqlalchemy as sa
from alembic import op

revision = "0126"
down_revision = "0125"


def upgrade() -> None:
    """Add the table, empty."""
    op.create_table(
        "discussion_answers",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("is_worth_it", sa.Boolean()),
        sa.Column("worth_it_at", sa.DateTime(timezone=True)),
        sa.Column("limitation", sa.Text(), nullable=False, server_default=""),
        sa.Column("limitation_truth", sa.Text(), nullable=False, server_default=""),
        sa.Column("truth_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint(
            "platform", "workspace", "channel", "paper", "person", name=op.f("pk_discussion_answers")
        ),
    )
