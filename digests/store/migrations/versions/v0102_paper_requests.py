"""Keep who asked for a paper, and the day on which it was given a full review."""

import sqlalchemy as sa
from alembic import op

revision = "0102"
down_revision = "0101"

MIN_REQUESTED_PRIORITY = 1_000_000.0
"""Priority of tasks for requested papers. They are queued again, as many as one day may have."""


def upgrade() -> None:
    """Create the table of requests again, with its old rows, and take requested papers off the queue."""
    connection = op.get_bind()
    old_rows = connection.execute(sa.text("SELECT paper, at FROM paper_requests")).all()
    op.drop_index(op.f("ix_paper_requests_at"), table_name="paper_requests")
    op.drop_table("paper_requests")
    op.create_table(
        "paper_requests",
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("paper", "platform", "workspace", "person", name=op.f("pk_paper_requests")),
    )
    op.create_index(op.f("ix_paper_requests_at"), "paper_requests", ["at"], unique=False)
    if old_rows:
        insertion = sa.text(
            "INSERT INTO paper_requests (paper, platform, workspace, person, at)"
            " VALUES (:paper, '', '', '', :at)"
        )
        connection.execute(insertion, [{"paper": row.paper, "at": row.at} for row in old_rows])
    queue = sa.table("review_queue", sa.column("priority", sa.Float))
    op.execute(sa.delete(queue).where(queue.c.priority >= MIN_REQUESTED_PRIORITY))
