"""Workspaces of marks and discussions that were stored without one, by older versions."""

from sqlalchemy import Connection, text

_KNOWN_CHANNELS = (
    "(SELECT platform, channel, workspace FROM posts WHERE workspace <> '' "
    "UNION SELECT platform, channel, workspace FROM subscriptions WHERE workspace <> '') AS known"
)
_FILL = (
    "UPDATE {0} SET workspace = COALESCE((SELECT MAX(known.workspace) FROM " + _KNOWN_CHANNELS + " "  # noqa: S608
    "WHERE known.platform = {0}.platform AND known.channel = {0}.channel), '') "
    "WHERE workspace = '' AND channel <> ''"
)
_STATEMENTS = (
    _FILL.format("marks"),
    _FILL.format("discussions"),
    # Older versions had one queue for everybody: a paper was discussed wherever it was marked.
    "INSERT INTO discussions (paper, platform, workspace, channel, at) "
    "SELECT DISTINCT everywhere.paper, marks.platform, marks.workspace, '', everywhere.at "
    "FROM discussions AS everywhere JOIN marks ON marks.paper = everywhere.paper "
    "WHERE everywhere.platform = '' AND everywhere.channel = ''",
    "DELETE FROM discussions WHERE platform = '' AND channel = ''",
)


def fill_workspaces(connection: Connection) -> None:
    """Fill in the workspaces of marks and discussions from the posts and subscriptions of their channels.

    A channel whose workspace is not known keeps an empty one. A discussion for every channel becomes one for
    each platform and workspace with marks of its paper.
    """
    for statement in _STATEMENTS:
        connection.execute(text(statement))
