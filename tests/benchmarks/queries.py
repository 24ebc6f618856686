"""Report of the tables of queries: how often each kind finds its paper first, and among the first three.

`python -m tests.benchmarks.queries` prints it. The aims are 95 % and 99 %.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from digests.model import ScoredPaper
from tests.digests.search.blind_queries import BLIND_QUERIES, BLIND_SAMPLE_QUERIES
from tests.digests.search.queries import REAL_QUERIES, SAMPLE_QUERIES, Query
from tests.digests.search.records import load_real_records, load_sample
from tests.digests.search.test_queries import find_places, open_search
from tests.shared_data import FOLDER


def main() -> None:
    """Print a table for the bundled sample, and one with the real records if they are on the machine."""
    sample = load_sample()
    _print_report(sample, SAMPLE_QUERIES, BLIND_SAMPLE_QUERIES)
    if FOLDER.is_dir():
        papers = {scored.paper.id: scored for scored in [*load_real_records(), *sample]}
        _print_report(list(papers.values()), [*SAMPLE_QUERIES, *REAL_QUERIES], BLIND_QUERIES)


def _print_report(papers: Sequence[ScoredPaper], own: Sequence[Query], blind: Sequence[Query]) -> None:
    table = Table("queries", "kind", "number", "first", "among three", title=f"over {len(papers):,} papers")
    with tempfile.TemporaryDirectory() as folder:
        search = open_search(Path(folder), papers)
        for name, queries in (("own", own), ("of a stranger", blind)):
            places = find_places(search, queries)
            for kind in ("all", *dict.fromkeys(query.kind for query in queries)):
                found = [places[query.text] for query in queries if kind in ("all", query.kind)]
                table.add_row(name, kind, str(len(found)), *(_format_share(found, most) for most in (1, 3)))
    Console().print(table)


def _format_share(places: Sequence[int], most: int) -> str:
    count = sum(place <= most for place in places)
    return f"{count} ({100 * count / len(places):.1f} %)"


if __name__ == "__main__":
    main()
