"""Note with a paper the models of its panel that were down. There are none of before."""

import sqlalchemy as sa
from alembic import op

revision = "0116"
down_revision = "0115"


def upgrade() -> None:
    """Add the column, empty."""
    op.add_column("papers", sa.Column("models_left_out", sa.Text(), nullable=False, server_default=""))
