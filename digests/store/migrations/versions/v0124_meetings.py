"""Keep plans of meetings, meetings with their polls, and the people who lead them."""

import sqlalchemy as sa
from alembic import op

revision = "0124"
down_revision = "0123"


def upgrade() -> None:
    """Create the tables, empty."""
    _create_plans()
    _create_meetings()
    _create_polls()
    _create_members()


def _create_plans() -> None:
    op.create_table(
        "meeting_plans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscription", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("next_step_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription"],
            ["subscriptions.id"],
            name=op.f("fk_meeting_plans_subscription"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_plans")),
        sa.UniqueConstraint("subscription", name=op.f("uq_meeting_plans_subscription")),
    )
    op.create_index(op.f("ix_meeting_plans_next_step_at"), "meeting_plans", ["next_step_at"])


def _create_meetings() -> None:
    op.create_table(
        "meetings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan", sa.Integer(), nullable=False),
        sa.Column("poll_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reminder_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paper", sa.Text(), nullable=True),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("presenter", sa.Text(), nullable=False, server_default=""),
        sa.Column("is_held", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan"], ["meeting_plans.id"], name=op.f("fk_meetings_plan"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meetings")),
    )
    op.create_index(op.f("ix_meetings_plan"), "meetings", ["plan"])
    op.create_table(
        "meeting_posts",
        sa.Column("delivery", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("meeting", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery"], ["deliveries.id"], name=op.f("fk_meeting_posts_delivery"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["meeting"], ["meetings.id"], name=op.f("fk_meeting_posts_meeting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("delivery", name=op.f("pk_meeting_posts")),
    )
    op.create_index(op.f("ix_meeting_posts_meeting"), "meeting_posts", ["meeting"])


def _create_polls() -> None:
    op.create_table(
        "meeting_candidates",
        sa.Column("meeting", sa.Integer(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["meeting"], ["meetings.id"], name=op.f("fk_meeting_candidates_meeting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("meeting", "number", name=op.f("pk_meeting_candidates")),
    )
    op.create_table(
        "meeting_votes",
        sa.Column("meeting", sa.Integer(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["meeting"], ["meetings.id"], name=op.f("fk_meeting_votes_meeting"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("meeting", "person", name=op.f("pk_meeting_votes")),
    )
    op.create_index(op.f("ix_meeting_votes_at"), "meeting_votes", ["at"])


def _create_members() -> None:
    op.create_table(
        "meeting_members",
        sa.Column("plan", sa.Integer(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("passed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("away_first", sa.Date(), nullable=True),
        sa.Column("away_last", sa.Date(), nullable=True),
        sa.Column("declined", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["plan"], ["meeting_plans.id"], name=op.f("fk_meeting_members_plan"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["declined"], ["meetings.id"], name=op.f("fk_meeting_members_declined"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("plan", "person", name=op.f("pk_meeting_members")),
    )
    op.create_index(op.f("ix_meeting_members_declined"), "meeting_members", ["declined"])
