"""Papers and their reviews in the database. Keeps the contract of `digests.ports.Papers`."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    collate,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from digests.model import (
    NOT_REVIEWED,
    Assessment,
    Candidate,
    Flag,
    KeyPoint,
    Paper,
    Placing,
    ReadDepth,
    Review,
    ScoredPaper,
    Stage,
)
from digests.ports import Added
from digests.store import schema
from digests.store.engine import Database, insert_many, insert_new

papers, reviews, asked_for = schema.papers, schema.reviews, schema.asked_for
_T = TypeVar("_T")

NO_NEWS = datetime(1970, 1, 1, tzinfo=UTC)
"""When papers that are no news became known: before any that are."""

IDS_A_QUERY = 500
"""SQLite takes 999 values a statement in the oldest builds that are about."""


@dataclass(frozen=True, slots=True)
class SqlPapers:
    """Papers in a database of any kind."""

    database: Database

    def add(self, records: Sequence[tuple[Paper, Review]], *, now: datetime, news: bool = True) -> Added:
        with self.database.write() as connection:
            number = _last_number(connection)  # First: from here on nobody else brings papers in.
            batch = _Batch(number, _known(connection, [paper.id for paper, _ in records]), now, news)
            added = sum((batch.take(paper, review) for paper, review in records), Added())
            batch.write(connection)
        return added

    def renew(self, papers: Sequence[Paper], *, now: datetime) -> Added:
        with self.database.write() as connection:
            number = _last_number(connection)
            known = _known(connection, [paper.id for paper in papers])
            batch = _Batch(number, known, now)
            added = sum((batch.take(paper, NOT_REVIEWED) for paper in papers if paper.id in known), Added())
            batch.write(connection)
        return added

    def ask_for(self, paper: str, *, now: datetime) -> None:
        with self.database.write() as connection:
            insert_new(connection, asked_for, {"paper": paper, "at": now})

    def asked_for(self, most: int) -> Sequence[ScoredPaper]:
        waiting = _WITH_REVIEW.join(asked_for, asked_for.c.paper == papers.c.name).where(
            papers.c.review.is_(None)
        )
        with self.database.read() as connection:
            rows = connection.execute(waiting.order_by(asked_for.c.at, asked_for.c.paper).limit(most))
            return [_scored(row) for row in rows]

    def asked_unknown(self, most: int) -> Sequence[str]:
        unknown = (
            select(asked_for.c.paper)
            .outerjoin(papers, papers.c.name == asked_for.c.paper)
            .where(papers.c.id.is_(None))
            .order_by(asked_for.c.at, asked_for.c.paper)
            .limit(most)
        )
        with self.database.read() as connection:
            return list(connection.execute(unknown).scalars())

    def no_longer_asked(self, papers: Iterable[str]) -> None:
        with self.database.write() as connection:
            connection.execute(delete(asked_for).where(asked_for.c.paper.in_(list(papers))))

    def imported(self, *, now: datetime) -> None:
        with self.database.write() as connection:
            connection.execute(insert(schema.imports), {"at": now})

    def last_import(self) -> datetime | None:
        with self.database.read() as connection:
            newest: datetime | None = connection.execute(select(func.max(schema.imports.c.at))).scalar()
            return newest

    def get(self, ids: Iterable[str]) -> Mapping[str, ScoredPaper]:
        with self.database.read() as connection:
            return papers_of(connection, list(ids))

    def reviews(self, paper: str) -> Sequence[Review]:
        of_paper = (
            select(*_REVIEW_COLUMNS)
            .join(papers, papers.c.id == reviews.c.paper)
            .where(papers.c.name == paper)
            .order_by(func.coalesce(reviews.c.id == papers.c.review, False).desc(), reviews.c.id.desc())
        )
        with self.database.read() as connection:
            return [_review(row) for row in connection.execute(of_paper)]

    def candidates(self, after: int, to: int, *, texts: bool) -> Sequence[Candidate]:
        query = _CANDIDATES_WITH_TEXT if texts else _CANDIDATES
        with self.database.read() as connection:
            rows = connection.execute(query, {"after": after, "to": to}).fetchall()
            held = frozenset(connection.execute(_HELD).scalars())
            placings = {
                name: Placing(*placing)
                for name, *placing in connection.execute(_PLACINGS, {"after": after, "to": to})
            }
        return [_candidate(row, held, placings) for row in rows]

    def number_at(self, instant: datetime) -> int:
        with self.database.read() as connection:
            return max(0, connection.execute(_NUMBER_AT, {"instant": instant}).scalar() or 0)

    def beginning_with(self, prefix: str, most: int) -> Sequence[str]:
        is_postgresql = self.database.engine.dialect.name == "postgresql"
        name = collate(papers.c.name, "C") if is_postgresql else papers.c.name
        query = select(papers.c.name).where(name >= prefix, name < f"{prefix}\U0010ffff")
        with self.database.read() as connection:
            return list(connection.execute(query.order_by(name.desc()).limit(most)).scalars())

    def changes(self, after: int, most: int) -> Sequence[tuple[int, ScoredPaper]]:
        query = _WITH_REVIEW.where(papers.c.changed > after).order_by(papers.c.changed).limit(most)
        with self.database.read() as connection:
            return [(row.changed, _scored(row)) for row in connection.execute(query)]

    def last_change(self) -> int:
        with self.database.read() as connection:
            return connection.execute(select(func.max(papers.c.changed))).scalar() or 0


def papers_of(connection: Connection, ids: Sequence[str]) -> dict[str, ScoredPaper]:
    """The papers among these ids that are known."""
    return {
        row.name: _scored(row)
        for some in _chunks(ids)
        for row in connection.execute(_WITH_REVIEW.where(papers.c.name.in_(some)))
    }


@dataclass(slots=True)
class _Entry:
    """A paper while a batch is taken in: its key, what is known of it, and whether that must be written."""

    id: int
    paper: Paper
    review: int | None
    reviewed_at: datetime | None
    known: int
    known_at: datetime
    changed: int
    fingerprints: set[str]
    current: Review
    stored: bool
    dirty: bool = False


class _Batch:
    """Takes records in one after the other, and writes at the end what they changed."""

    def __init__(self, number: int, known: dict[str, _Entry], now: datetime, news: bool = True) -> None:
        self.number = number
        self.entries = known
        self.now = now
        self.news = news
        self.new_reviews: list[dict[str, Any]] = []

    def take(self, paper: Paper, review: Review) -> Added:
        entry = self.entries.get(paper.id)
        if entry is None:
            self._begin(paper, review)
            return Added(new=1)
        facts_changed = self._renew_facts(entry, paper)
        review_changed = review != NOT_REVIEWED and self._renew_review(entry, review)
        return Added(changed=1) if facts_changed or review_changed else Added(same=1)

    def _begin(self, paper: Paper, review: Review) -> None:
        number = self._next()
        # Windows begin at 0: what is known by a number below lies in none.
        known, known_at = (number, self.now) if self.news or review != NOT_REVIEWED else (-number, NO_NEWS)
        entry = _Entry(
            number, paper, None, None, known, known_at, number, set(), NOT_REVIEWED, stored=False, dirty=True
        )
        self.entries[paper.id] = entry
        if review != NOT_REVIEWED:
            self._set_review(entry, review, _fingerprint(review), number)

    def _renew_facts(self, entry: _Entry, paper: Paper) -> bool:
        merged = _merged(entry.paper, paper)
        if merged == entry.paper:
            return False
        entry.paper, entry.dirty, entry.changed = merged, True, self._next()
        return True

    def _renew_review(self, entry: _Entry, review: Review) -> bool:
        fingerprint = _fingerprint(review)
        if fingerprint in entry.fingerprints:
            return False
        number = self._next()
        if review.reviewed_at and entry.reviewed_at and review.reviewed_at < entry.reviewed_at:
            self._keep(entry, review, fingerprint, number)
            return True
        entry.known, entry.known_at, entry.changed, entry.dirty = number, self.now, number, True
        self._set_review(entry, review, fingerprint, number)
        return True

    def _set_review(self, entry: _Entry, review: Review, fingerprint: str, number: int) -> None:
        entry.review, entry.reviewed_at, entry.current = number, review.reviewed_at, review
        self._keep(entry, review, fingerprint, number)

    def _keep(self, entry: _Entry, review: Review, fingerprint: str, number: int) -> None:
        entry.fingerprints.add(fingerprint)
        self.new_reviews.append(_review_row(review, paper=entry.id, number=number, fingerprint=fingerprint))

    def _next(self) -> int:
        self.number += 1
        return self.number

    def write(self, connection: Connection) -> None:
        dirty = [entry for entry in self.entries.values() if entry.dirty]
        if new := [_paper_row(entry) for entry in dirty if not entry.stored]:
            insert_many(connection, papers, new)
        for entry in sorted(
            dirty, key=lambda one: one.id
        ):  # In one order, or two processes wait for each other.
            if entry.stored:
                connection.execute(update(papers).where(papers.c.id == entry.id).values(_paper_row(entry)))
        if self.new_reviews:
            insert_many(connection, reviews, self.new_reviews)
        connection.execute(
            update(schema.counters).where(schema.counters.c.name == "change").values(value=self.number)
        )


def _last_number(connection: Connection) -> int:
    """The last number drawn. On PostgreSQL its row stays locked, so that numbers become visible in their order."""
    counter = select(schema.counters.c.value).where(schema.counters.c.name == "change").with_for_update()
    number: int = connection.execute(counter).scalar_one()
    return number


def _known(connection: Connection, ids: Sequence[str]) -> dict[str, _Entry]:
    entries: dict[str, _Entry] = {}
    by_key: dict[int, _Entry] = {}
    for some in _chunks(list(dict.fromkeys(ids))):
        for row in connection.execute(_WITH_REVIEW.where(papers.c.name.in_(some))):
            entry = _entry(row)
            entries[row.name] = by_key[row.id] = entry
    for some_keys in _chunks(list(by_key)):
        fingerprints = select(reviews.c.paper, reviews.c.fingerprint).where(reviews.c.paper.in_(some_keys))
        for key, fingerprint in connection.execute(fingerprints):
            by_key[key].fingerprints.add(fingerprint)
    return entries


def _entry(row: Row[Any]) -> _Entry:
    scored = _scored(row)
    return _Entry(
        row.id,
        scored.paper,
        row.review,
        scored.review.reviewed_at,
        row.known,
        row.known_at,
        row.changed,
        set(),
        scored.review,
        stored=True,
    )


def _merged(known: Paper, said: Paper) -> Paper:
    """The facts of the newer version, completed by the other's where it says nothing."""
    newer, other = (said, known) if _is_as_new(said, known) else (known, said)
    same_version = _same_version(said, known)
    return replace(
        newer,
        version=newer.version or other.version,
        title=_same_but_for_spaces(known.title, newer.title),
        authors=newer.authors or other.authors,
        abstract=_same_but_for_spaces(known.abstract, newer.abstract or other.abstract),
        primary_category=newer.primary_category or other.primary_category,
        categories=newer.categories or other.categories,
        published=newer.published or other.published,
        updated=newer.updated or (other.updated if same_version else None),
        withdrawn=newer.withdrawn or (other.withdrawn if same_version else None),
        flags=tuple(dict.fromkeys(known.flags + said.flags)),
        upvotes=said.upvotes if said.upvotes is not None else known.upvotes,
        code_url=said.code_url or known.code_url,
    )


def _same_version(one: Paper, other: Paper) -> bool:
    """Whether what is known of the one's version holds for the other's: who names no version means the one known."""
    return one.version is None or other.version is None or one.version == other.version


def _is_as_new(said: Paper, known: Paper) -> bool:
    """Whoever names no version may have seen an old one, unless it names a later day."""
    if known.version is None or said.version is not None:
        return known.version is None or said.version is None or said.version >= known.version
    return said.updated is not None and (known.updated is None or said.updated > known.updated)


def _same_but_for_spaces(known: str, said: str) -> str:
    """Sources break lines in their own ways: that is no change."""
    return known if known != said and known.split() == said.split() else said


def _chunks(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (items[start : start + IDS_A_QUERY] for start in range(0, len(items), IDS_A_QUERY))


def _fingerprint(review: Review) -> str:
    """Equal for equal reviews, and for no others: what makes an import idempotent."""
    said = "\x1f".join(
        (
            repr(review.score), repr(review.rank), review.tldr, review.methodology, review.experiments,
            review.reproducibility, review.limitations, review.impact, review.model,
            review.reviewed_at.isoformat() if review.reviewed_at else "", review.read_depth or "",
            *([_assessment_json(review.assessment)] if review.assessment else []),
        )
    )  # fmt: skip
    return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _paper_row(entry: _Entry) -> dict[str, Any]:
    paper, review = entry.paper, entry.current
    return {
        "id": entry.id,
        "name": paper.id,
        "url": paper.url,
        "version": paper.version,
        "title": paper.title,
        "authors": "\n".join(paper.authors),
        "abstract": paper.abstract,
        "primary_category": paper.primary_category,
        "categories": " ".join(paper.categories),
        "published": paper.published,
        "updated": paper.updated,
        "withdrawn": paper.withdrawn,
        "flags": json.dumps([_flag(flag) for flag in paper.flags]) if paper.flags else "",
        "flagged": bool(paper.flags),
        "score": review.score,
        "rank": review.rank,
        "tldr": review.tldr,
        "review": entry.review,
        "scale": review.scale,
        "upvotes": paper.upvotes,
        "code_url": paper.code_url,
        "known": entry.known,
        "known_at": entry.known_at,
        "changed": entry.changed,
    }


def _flag(flag: Flag) -> list[Any]:
    return [flag.category, flag.excerpt, flag.where, flag.hidden]


def _review_row(review: Review, *, paper: int, number: int, fingerprint: str) -> dict[str, Any]:
    return {
        "id": number,
        "paper": paper,
        "fingerprint": fingerprint,
        "score": review.score,
        "rank": review.rank,
        "tldr": review.tldr,
        "methodology": review.methodology,
        "experiments": review.experiments,
        "reproducibility": review.reproducibility,
        "limitations": review.limitations,
        "impact": review.impact,
        "model": review.model,
        "reviewed_at": review.reviewed_at,
        "read_depth": review.read_depth,
        "stage": review.assessment.stage if review.assessment else "",
        "assessment": _assessment_json(review.assessment) if review.assessment else None,
    }


def _assessment_json(assessment: Assessment) -> str:
    return json.dumps(asdict(assessment), ensure_ascii=False)


def _assessment(text: str) -> Assessment:
    kept = json.loads(text)
    return Assessment(
        **{
            **kept,
            "stage": Stage(kept["stage"]),
            "grades": tuple((name, grade) for name, grade in kept["grades"]),
            "key_limitations": tuple(KeyPoint(**point) for point in kept["key_limitations"]),
        }
    )


_REVIEW_COLUMNS = tuple(column for column in reviews.c if column.name not in ("id", "paper", "fingerprint"))
_WITH_REVIEW: Select[Any] = select(
    papers, *(column for column in _REVIEW_COLUMNS if column.name not in ("score", "rank", "tldr"))
).outerjoin(reviews, reviews.c.id == papers.c.review)


def _candidates_query(text: ColumnElement[str]) -> Select[Any]:
    columns = papers.c
    return select(
        columns.name,
        columns.score,
        columns.rank,
        columns.primary_category,
        columns.categories,
        columns.published,
        columns.flagged,
        columns.withdrawn.is_not(None),
        text,
        columns.upvotes,
        columns.scale,
    ).where(columns.known > bindparam("after"), columns.known <= bindparam("to"))


_HELD = select(schema.holds.c.paper).where(schema.holds.c.state != "released")
"""Few: a person decides about each."""
_PLACINGS = (
    select(papers.c.name, schema.placings.c.day, schema.placings.c.place, schema.placings.c.among)
    .join(
        papers,
        and_(papers.c.name == schema.placings.c.paper, papers.c.review == schema.placings.c.review),
    )
    .where(schema.placings.c.review > bindparam("after"), schema.placings.c.review <= bindparam("to"))
)
"""Few a day. A review has the number with which it made its paper known."""
_NUMBER_AT = (
    select(papers.c.known)
    .where(papers.c.known_at <= bindparam("instant"))
    .order_by(papers.c.known_at.desc(), papers.c.known.desc())
    .limit(1)
)
_CANDIDATES = _candidates_query(literal(""))
_CANDIDATES_WITH_TEXT = _candidates_query(papers.c.title + " \n" + papers.c.abstract + " \n" + papers.c.tldr)


def _scored(row: Row[Any]) -> ScoredPaper:
    paper = Paper(
        id=row.name,
        title=row.title,
        url=row.url,
        version=row.version,
        authors=tuple(row.authors.split("\n")) if row.authors else (),
        abstract=row.abstract,
        primary_category=row.primary_category,
        categories=tuple(row.categories.split()),
        published=row.published,
        flags=tuple(Flag(*flag) for flag in json.loads(row.flags)) if row.flags else (),
        upvotes=row.upvotes,
        code_url=row.code_url,
        updated=row.updated,
        withdrawn=row.withdrawn,
    )
    review = _review(row) if row.review is not None else NOT_REVIEWED
    return ScoredPaper(paper, review, row.known_at, row.review or 0)


def _review(row: Row[Any]) -> Review:
    return Review(
        score=row.score,
        rank=row.rank,
        tldr=row.tldr,
        methodology=row.methodology,
        experiments=row.experiments,
        reproducibility=row.reproducibility,
        limitations=row.limitations,
        impact=row.impact,
        model=row.model,
        reviewed_at=row.reviewed_at,
        read_depth=ReadDepth(row.read_depth) if row.read_depth else None,
        assessment=_assessment(row.assessment) if row.assessment else None,
    )


def _candidate(row: Row[Any], held: Set[str], placings: Mapping[str, Placing]) -> Candidate:
    name, score, rank, primary, categories, published, flagged, withdrawn, text, upvotes, scale = tuple[
        Any, ...
    ](row)
    return Candidate(
        name,
        score,
        rank,
        primary,
        tuple(categories.split()),
        published,
        flagged,
        withdrawn,
        text,
        upvotes or 0,
        scale,
        name in held,
        placings.get(name),
    )
