"""Keep the file that comes with a page, such as the picture of a week, until the page is posted."""

import sqlalchemy as sa
from alembic import op

revision = "0131"
down_revision = "0130"


def upgrade() -> None:
    """Add the column. Stored pages have no file."""
    op.add_column("pages", sa.Column("file", sa.Text(), nullable=True))
