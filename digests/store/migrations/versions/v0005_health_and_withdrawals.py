"""How sources and the reviewer are; when a paper's version came out, and when it was withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("papers", sa.Column("updated", sa.Date(), nullable=True))
    op.add_column("papers", sa.Column("withdrawn", sa.Date(), nullable=True))
    op.create_table(
        "health",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_health")),
    )
