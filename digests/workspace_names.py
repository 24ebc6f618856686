"""Names of workspaces, as their platforms know them. They come from strangers."""

from digests.ports import Store


def find_workspace_names(store: Store) -> dict[tuple[str, str], str]:
    """Return the names of the workspaces that have one, by platform and id. Blocks."""
    listed = {(each.platform, each.id): each.name for each in store.workspaces.list_all()}
    installed = {(each.platform, each.workspace): each.name for each in store.installations.list_all()}
    return {place: name for place, name in {**listed, **installed}.items() if name}
