"""What posted messages say of their papers, and which of them have to be edited."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("pages", sa.Column("said", sa.Text(), nullable=False, server_default=""))
    op.add_column("post_papers", sa.Column("version", sa.SmallInteger(), nullable=True))
    op.add_column("post_papers", sa.Column("review", Key, nullable=True))
    op.add_column("post_papers", sa.Column("score", sa.Float(), nullable=True))
    op.add_column(
        "post_papers", sa.Column("withdrawn", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_index("ix_post_papers_paper_post", "post_papers", ["paper", "post"])
    op.create_table(
        "edits",
        sa.Column("post", Key, autoincrement=False, nullable=False),
        sa.Column("due_at", Instant, nullable=True),
        sa.Column("not_before", Instant, nullable=True),
        sa.Column("noticed", Key, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("lost", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["post"], ["posts.id"], name=op.f("fk_edits_post"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("post", name=op.f("pk_edits")),
    )
    op.create_index(op.f("ix_edits_due_at"), "edits", ["due_at"])
