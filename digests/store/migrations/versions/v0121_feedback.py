"""Keep what people say of papers in a channel: more of this, or not for us."""

import sqlalchemy as sa
from alembic import op

revision = "0121"
down_revision = "0118"


def upgrade() -> None:
    """Create the table, empty."""
    op.create_table(
        "feedback",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("is_more", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "platform", "workspace", "channel", "paper", "person", name=op.f("pk_feedback")
        ),
    )
    op.create_index("ix_feedback_channel_at", "feedback", ["channel", "at"])
    op.create_index("ix_feedback_platform_person_at", "feedback", ["platform", "person", "at"])
    op.create_index("ix_feedback_at", "feedback", ["at"])
