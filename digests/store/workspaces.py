"""Implementation of `digests.ports.workspaces.Workspaces`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from digests.ports.workspaces import Workspace, WorkspaceState
from digests.store import schema
from digests.store.engine import Database, insert_if_absent, upsert

workspaces, removals = schema.workspaces, schema.removals


@dataclass(frozen=True, slots=True)
class SqlWorkspaces:
    """The allow-list in SQLite or PostgreSQL."""

    database: Database

    def list_all(self) -> Sequence[Workspace]:
        query = select(workspaces).order_by(workspaces.c.platform, workspaces.c.at, workspaces.c.workspace)
        with self.database.read() as connection:
            return [_workspace_from_row(row) for row in connection.execute(query)]

    def list_served(self, platform: str) -> frozenset[str]:
        return self._list_ids(platform, WorkspaceState.SERVED)

    def list_denied(self, platform: str) -> frozenset[str]:
        return self._list_ids(platform, WorkspaceState.DENIED)

    def _list_ids(self, platform: str, state: WorkspaceState) -> frozenset[str]:
        query = select(workspaces.c.workspace).where(
            workspaces.c.platform == platform, workspaces.c.state == state
        )
        with self.database.read() as connection:
            return frozenset(connection.execute(query).scalars())

    def decide(self, platform: str, workspace: str, state: WorkspaceState, *, now: datetime) -> None:
        row = _new_row(platform, workspace, state, now)
        with self.database.write() as connection:
            upsert(connection, workspaces, row, {"state": state, "at": now})

    def serve_undecided(self, platform: str, workspaces: Collection[str], *, now: datetime) -> None:
        table = schema.workspaces
        with self.database.write() as connection:
            for workspace in sorted(workspaces):
                row = _new_row(platform, workspace, WorkspaceState.SERVED, now)
                if not insert_if_absent(connection, table, row):
                    asked = update(table).where(
                        table.c.platform == platform,
                        table.c.workspace == workspace,
                        table.c.state == WorkspaceState.ASKED,
                    )
                    connection.execute(asked.values(state=WorkspaceState.SERVED, at=now))

    def serve_first(self, platform: str, workspace: str, *, now: datetime) -> bool:
        any_entry = select(workspaces.c.workspace).where(workspaces.c.platform == platform).limit(1)
        with self.database.write(lock_name="workspaces") as connection:
            if connection.execute(any_entry).first():
                return False
            row = _new_row(platform, workspace, WorkspaceState.SERVED, now)
            return insert_if_absent(connection, workspaces, row)

    def record_requests(
        self, platform: str, names: Mapping[str, str], *, now: datetime
    ) -> Sequence[Workspace]:
        of_platform = workspaces.c.platform == platform
        added = []
        with self.database.write(lock_name="workspaces") as connection:
            known = {row.workspace: row for row in connection.execute(select(workspaces).where(of_platform))}
            for workspace, row in known.items():
                entry = (of_platform, workspaces.c.workspace == workspace)
                if workspace not in names and row.state == WorkspaceState.ASKED:
                    connection.execute(delete(workspaces).where(*entry))
                elif names.get(workspace, "") not in ("", row.name):
                    connection.execute(update(workspaces).where(*entry).values(name=names[workspace]))
            for workspace in sorted(names.keys() - known.keys()):
                new = Workspace(platform, workspace, names[workspace], WorkspaceState.ASKED, now)
                values = _new_row(platform, workspace, new.state, now) | {"name": new.name}
                if insert_if_absent(connection, workspaces, values):
                    added.append(new)
        return added

    def record_removal(self, platform: str, workspaces: Collection[str], *, now: datetime) -> None:
        with self.database.write() as connection:
            for workspace in sorted(workspaces):
                row = {"platform": platform, "workspace": workspace, "at": now}
                insert_if_absent(connection, removals, row)

    def record_return(self, platform: str, workspaces: Collection[str]) -> None:
        of_platform = removals.c.platform == platform
        with self.database.read() as connection:
            removed = set(connection.execute(select(removals.c.workspace).where(of_platform)).scalars())
        if back := removed & set(workspaces):
            with self.database.write() as connection:
                connection.execute(delete(removals).where(of_platform, removals.c.workspace.in_(back)))

    def list_removed(self, *, before: datetime) -> Sequence[tuple[str, str]]:
        query = select(removals.c.platform, removals.c.workspace).where(removals.c.at < before)
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(removals.c.platform, removals.c.workspace))
            return [(row.platform, row.workspace) for row in rows]


def _new_row(platform: str, workspace: str, state: WorkspaceState, now: datetime) -> dict[str, Any]:
    return {"platform": platform, "workspace": workspace, "name": "", "state": state, "at": now}


def _workspace_from_row(row: Row[Any]) -> Workspace:
    return Workspace(row.platform, row.workspace, row.name, WorkspaceState(row.state), row.at)
