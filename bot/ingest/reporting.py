"""Reports of an import or a fetch to the operator: bad records, counts and progress bars."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from digests.ports.library import ImportCounts
from digests.ports.sources import ProgressCallback

MAX_REPORTED_RECORDS = 20
"""Bad records that are reported one by one; the rest is only counted."""

MAX_LABEL_CHARACTERS = 40


def describe_counts(counts: ImportCounts) -> str:
    """Return the numbers of new, changed and unchanged papers as words."""
    return f"{counts.new:,} new, {counts.changed:,} updated, {counts.unchanged:,} unchanged"


@contextmanager
def show_progress_bars(
    console: Console, *, in_numbers: bool = False
) -> Iterator[Callable[[str], ProgressCallback]]:
    """Yield a function that adds a bar with a label and returns its callback, for what is done and the total.

    Bars show percentages, or with `in_numbers` items done and their total. Long labels lose their beginning.
    Without a terminal nothing is shown, and the callbacks do nothing.
    """
    if not console.is_terminal:
        yield lambda label: lambda done, total: None
        return
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    number_columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    columns = number_columns if in_numbers else Progress.get_default_columns()
    with Progress(*columns, console=console, transient=True) as bars:

        def add_bar(label: str) -> ProgressCallback:
            # The end of a long label is its file's name.
            bar = bars.add_task(escape(label[-MAX_LABEL_CHARACTERS:]), total=None)
            return lambda done, total: bars.update(bar, completed=done, total=total)

        yield add_bar
