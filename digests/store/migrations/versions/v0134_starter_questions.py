"""Keep the model's questions with which people begin to discuss a paper."""

import sqlalchemy as sa
from alembic import op

revision = "0134"
down_revision = "0133"


def upgrade() -> None:
    """Add the table, empty."""
    op.create_table(
        "starter_questions",
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("limitation", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("paper", "limitation", name=op.f("pk_starter_questions")),
    )
