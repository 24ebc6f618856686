"""Storage of planned pages and of the papers they show."""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Row, select

from digests.model import AttachedFile, PostedState
from digests.ports.outbox import Claim, DeliveryKind, PageState, PlannedPage
from digests.store import schema
from digests.store.engine import in_json_array, insert_many

pages, shown_papers, papers = schema.pages, schema.shown_papers, schema.papers

UNREADABLE_REASON = "Its stored data cannot be read ({})."
"""Reason of a delivery whose row was damaged, with the error."""
DAMAGED_ROW_ERRORS = (ValueError, TypeError, KeyError, AttributeError)
"""Errors of decoding a row that was damaged or written by something else."""
_PAPER_KEYS = (
    select(papers.c.id, papers.c.name).where(in_json_array(papers.c.name, "names")).order_by(papers.c.id)
)
"""Query for the store's keys of papers by id."""
ClaimPages = Sequence[tuple[Claim, Sequence[PlannedPage]]]
"""Claims, each with the pages of its plan."""


def insert_pages(connection: Connection, claim_pages: ClaimPages) -> None:
    """Insert the pages of claims, and record the papers of digests as shown, in the caller's transaction.

    None of the pages may be stored yet: a second insert breaks a unique key. A paper that was shown before
    keeps its first record; a paper that is not in the store is not recorded. Claims without pages change
    nothing.
    """
    if any(planned_pages for _, planned_pages in claim_pages):
        _insert_page_rows(connection, claim_pages)
        _insert_shown_papers(connection, claim_pages)


def _insert_shown_papers(connection: Connection, claim_pages: ClaimPages) -> None:
    """Record the papers of digests as shown, each on its first page.

    A paper that was shown before keeps its first record. A paper that is not in the store is left out.
    """
    page_by_paper = [
        (claim, {paper: page.number for page in reversed(planned_pages) for paper in page.papers})
        for claim, planned_pages in claim_pages
        if claim.kind is DeliveryKind.DIGEST
    ]
    names = {"names": sorted({paper for _, number_by_paper in page_by_paper for paper in number_by_paper})}
    rows = [
        {
            "subscription": claim.subscription.id,
            "paper": row.id,
            "delivery": claim.id,
            "page": number_by_paper[row.name],
        }
        # In the lock order of imports, or the two could deadlock.
        for row in connection.execute(_PAPER_KEYS, names)
        for claim, number_by_paper in page_by_paper
        if row.name in number_by_paper
    ]
    insert_many(connection, shown_papers, rows, ignore_existing=True, has_short_values=True)


def _insert_page_rows(connection: Connection, claim_pages: ClaimPages) -> None:
    encoded_payloads: dict[int, dict[str, str]] = {}  # Channels with equal preferences share payloads.
    rows = [
        _page_row(claim, page, encoded_payloads)
        for claim, planned_pages in claim_pages
        for page in planned_pages
    ]
    insert_many(connection, pages, rows)


def _page_row(claim: Claim, page: PlannedPage, encoded_payloads: dict[int, dict[str, str]]) -> dict[str, Any]:
    if id(page.payload) not in encoded_payloads:
        encoded_payloads[id(page.payload)] = {
            "payload": json.dumps(page.payload, ensure_ascii=False),
            "papers": json.dumps(page.papers),
            "posted_states": json.dumps({paper: page.posted_states.get(paper) for paper in page.papers}),
        }
    return {
        "delivery": claim.id,
        "number": page.number,
        "idempotency_key": page.idempotency_key,
        "in_thread": page.in_thread,
        "state": page.state,
        "receipt": page.receipt,
        "file": _encode_file(page.file) if page.file else None,
        **encoded_payloads[id(page.payload)],
    }


def _encode_file(file: AttachedFile) -> str:
    content = base64.b64encode(file.content).decode()
    return json.dumps({"name": file.name, "content": content, "alt_text": file.alt_text}, ensure_ascii=False)


def _decode_file(text: str) -> AttachedFile:
    record = json.loads(text)
    return AttachedFile(record["name"], base64.b64decode(record["content"]), record["alt_text"])


def fetch_page_rows(connection: Connection, keys: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """Return the rows of pages by delivery, in their order; an empty list for a delivery without pages."""
    found: dict[int, list[Row[Any]]] = {key: [] for key in keys}
    query = select(pages).where(pages.c.delivery.in_(keys)).order_by(pages.c.delivery, pages.c.number)
    for row in connection.execute(query) if keys else ():
        found[row.delivery].append(row)
    return found


def planned_page_from_row(row: Row[Any]) -> PlannedPage:
    """Decode a page. Raises one of `DAMAGED_ROW_ERRORS` for a damaged row."""
    return PlannedPage(
        number=row.number,
        idempotency_key=row.idempotency_key,
        payload=json.loads(row.payload),
        papers=tuple(json.loads(row.papers)),
        in_thread=row.in_thread,
        state=PageState(row.state),
        receipt=row.receipt,
        posted_states={
            paper: PostedState(*values)
            for paper, values in json.loads(row.posted_states or "{}").items()
            if values
        },
        file=_decode_file(row.file) if row.file else None,
    )


def readable_pages_from_rows(rows: Iterable[Row[Any]]) -> Iterator[PlannedPage]:
    """Yield the pages that can be decoded; leave damaged rows out."""
    for row in rows:
        with suppress(*DAMAGED_ROW_ERRORS):
            yield planned_page_from_row(row)
