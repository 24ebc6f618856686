"""Find papers by their titles without the search index, among all papers."""

from alembic import op

revision = "0117"
down_revision = "0116"


def upgrade() -> None:
    """Create the index, of the beginnings of titles in lower case: PostgreSQL has no room for long ones."""
    op.execute("CREATE INDEX ix_papers_title ON papers (lower(substr(title, 1, 120)))")
