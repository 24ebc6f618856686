"""Pages as they were planned, and what channels were shown by them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Row, select

from digests.model import Said
from digests.ports import Claim, PageState, PlannedPage
from digests.store import schema
from digests.store.engine import among, insert_many

pages, shown, papers = schema.pages, schema.shown, schema.papers

UNREADABLE = "What the store keeps of it cannot be read ({})."
DAMAGE = (ValueError, TypeError, KeyError, AttributeError)
"""What comes of reading a row that something else than we wrote."""
_NUMBERS = select(papers.c.id, papers.c.name).where(among(papers.c.name, "names")).order_by(papers.c.id)
Planned = Sequence[tuple[Claim, Sequence[PlannedPage]]]


def keep(connection: Connection, planned: Planned) -> None:
    """Write down the pages, and what the channels have now had."""
    if any(its_pages for _, its_pages in planned):
        _keep_pages(connection, planned)
        _show(connection, planned)


def _show(connection: Connection, planned: Planned) -> None:
    """Write down what the channels have now had; the first edition in which one had a paper stays."""
    page_of = [
        (claim, {paper: page.number for page in reversed(its_pages) for paper in page.papers})
        for claim, its_pages in planned
    ]
    names = {"names": sorted({paper for _, its_page in page_of for paper in its_page})}
    rows = [
        {
            "subscription": claim.subscription.id,
            "paper": row.id,
            "delivery": claim.id,
            "page": its_page[row.name],
        }
        # As imports write them, or the two may wait for each other.
        for row in connection.execute(_NUMBERS, names)
        for claim, its_page in page_of
        if row.name in its_page
    ]
    insert_many(connection, shown, rows, unless_known=True)


def _keep_pages(connection: Connection, planned: Planned) -> None:
    as_text: dict[int, dict[str, str]] = {}  # Channels that wish the same share their payloads.
    rows = [_page_row(claim, page, as_text) for claim, its_pages in planned for page in its_pages]
    insert_many(connection, pages, rows)


def _page_row(claim: Claim, page: PlannedPage, as_text: dict[int, dict[str, str]]) -> dict[str, Any]:
    if id(page.payload) not in as_text:
        as_text[id(page.payload)] = {
            "payload": json.dumps(page.payload, ensure_ascii=False),
            "papers": json.dumps(page.papers),
            "said": json.dumps({paper: page.said.get(paper) for paper in page.papers}),
        }
    return {
        "delivery": claim.id,
        "number": page.number,
        "key": page.key,
        "in_thread": page.in_thread,
        "state": page.state,
        "receipt": page.receipt,
        **as_text[id(page.payload)],
    }


def page_rows(connection: Connection, keys: Sequence[int]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = {key: [] for key in keys}
    query = select(pages).where(pages.c.delivery.in_(keys)).order_by(pages.c.delivery, pages.c.number)
    for row in connection.execute(query) if keys else ():
        found[row.delivery].append(row)
    return found


def planned_page(row: Row[Any]) -> PlannedPage:
    """A page as it was planned. Raises one of `DAMAGE` for a row that has no sense."""
    return PlannedPage(
        number=row.number,
        key=row.key,
        payload=json.loads(row.payload),
        papers=tuple(json.loads(row.papers)),
        in_thread=row.in_thread,
        state=PageState(row.state),
        receipt=row.receipt,
        said={paper: Said(*told) for paper, told in json.loads(row.said or "{}").items() if told},
    )


def readable_pages(rows: Iterable[Row[Any]]) -> Iterator[PlannedPage]:
    for row in rows:
        with suppress(*DAMAGE):
            yield planned_page(row)
