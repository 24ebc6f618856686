"""Keep the reports of readers about reviews, and the re-reviews that follow from them."""

import sqlalchemy as sa
from alembic import op

Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")

revision = "0115"
down_revision = "0114"


def upgrade() -> None:
    """Create both tables, empty."""
    op.create_table(
        "review_reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("limitation", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("is_right", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_suspect", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_reports")),
        sa.UniqueConstraint(
            "paper",
            "platform",
            "workspace",
            "person",
            "part",
            "limitation",
            name="uq_review_reports_person_part",
        ),
    )
    op.create_index("ix_review_reports_platform_person_at", "review_reports", ["platform", "person", "at"])
    op.create_index("ix_review_reports_at", "review_reports", ["at"])
    op.create_table(
        "re_reviews",
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("report", sa.Integer(), nullable=True),
        sa.Column("review_number", Key, nullable=False),
        sa.Column("limitations", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_on", sa.Date(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("paper", name=op.f("pk_re_reviews")),
        sa.ForeignKeyConstraint(
            ["report"], ["review_reports.id"], name=op.f("fk_re_reviews_report"), ondelete="SET NULL"
        ),
    )
    op.create_index("ix_re_reviews_report", "re_reviews", ["report"])
