"""Generated arXiv announcements, deterministic by day, and their feeds, records and query responses."""

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from xml.sax.saxutils import escape

from digests.calendar import NEW_YORK

CATEGORIES = ("cs.LG", "cs.CL", "cs.CV", "cs.AI", "cs.RO")
_NOUNS = (
    "policies",
    "diffusion",
    "retrieval",
    "agents",
    "segmentation",
    "alignment",
    "speech",
    "graphs",
    "robots",
)
_VERBS = ("Learning", "Scaling", "Pruning", "Aligning", "Probing", "Compressing", "Ranking", "Routing")
_NAMES = ("Ada Moss", "Bo Lind", "Chidi Okafor", "Dana Reyes", "Eun Park", "Farid Azizi")


@dataclass(frozen=True)
class Announcement:
    """A paper in a day's feed. `kind` is arXiv's announce type."""

    id: str
    version: int
    kind: str
    title: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    created: date
    day: date
    comment: str = ""


def announcements_of(
    day: date, count: int = 24, holidays: frozenset[date] = frozenset()
) -> list[Announcement]:
    """Generate a day's feed: new papers, cross-lists, replacements of earlier papers, and a withdrawal."""
    if day.weekday() > 4 or day in holidays:
        return []
    previous_day = day - timedelta(days=1)
    while previous_day.weekday() > 4 or previous_day in holidays:
        previous_day -= timedelta(days=1)
    replaced = [_make_announcement(previous_day, number, "replace", 2, day) for number in range(count // 6)]
    return [
        *(_make_announcement(day, number, "new", 1, day) for number in range(count)),
        *(_make_announcement(day, count + number, "cross", 1, day) for number in range(count // 6)),
        *replaced,
        _withdraw_paper(_make_announcement(previous_day, count - 1, "replace", 2, day)),
    ]


def touched_records_of(day: date, count: int = 5) -> list[Announcement]:
    """Generate old papers whose records were modified on a day. They are not announced."""
    return [
        _make_announcement(date(2016, 3, 1 + number), number, "touched", 3, day) for number in range(count)
    ]


@cache
def _make_announcement(born: date, number: int, kind: str, version: int, day: date) -> Announcement:
    chance = random.Random(f"{born}/{number}")
    deed, noun, other = chance.choice(_VERBS), chance.choice(_NOUNS), chance.choice(_NOUNS)
    primary = CATEGORIES[number % len(CATEGORIES)] if kind != "cross" else "math.OC"
    others = chance.sample(CATEGORIES, 2)
    return Announcement(
        id=f"{born:%y%m}.{born.day * 500 + number:05}",
        version=version,
        kind=kind,
        title=f"{deed} {noun} for {other}, study {number} of {born.day} {born:%B}",
        abstract=f"We look at {noun} with {other}. "
        f"It costs 5% less & needs $O(n^2)$ steps where n < {number + 2}. "
        f"On {chance.randint(2, 9)} tasks it gains {chance.randint(1, 20)} points.",
        authors=tuple(chance.sample(_NAMES, chance.randint(1, 4))),
        categories=tuple(dict.fromkeys((primary, *others))),
        created=born - timedelta(days=1),
        day=day,
    )


def _withdraw_paper(paper: Announcement) -> Announcement:
    notice = "This paper has been withdrawn by the authors due to an error in the second proof."
    return Announcement(**{**paper.__dict__, "abstract": notice, "comment": notice})


def render_rss(day: date, papers: list[Announcement], categories: str) -> str:
    """Render a day's feed, with the elements in the order of the live feed."""
    stamp = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)
    at = f"{stamp:%a, %d %b %Y %H:%M:%S %z}"
    items = "".join(
        f"<item><title>{escape(one.title)}</title><link>https://arxiv.org/abs/{one.id}</link>"
        f"<description>arXiv:{one.id}v{one.version} Announce Type: {one.kind} \n"
        f"Abstract: {escape(one.abstract)}</description>"
        f'<guid isPermaLink="false">oai:arXiv.org:{one.id}v{one.version}</guid>'
        + "".join(f"<category>{category}</category>" for category in one.categories)
        + f"<pubDate>{at}</pubDate><arxiv:announce_type>{one.kind}</arxiv:announce_type>"
        f"<dc:rights>http://creativecommons.org/licenses/by/4.0/</dc:rights>"
        f"<dc:creator>{', '.join(one.authors)}</dc:creator></item>\n"
        for one in papers
    )
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<rss xmlns:arxiv="http://arxiv.org/schemas/atom" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0">'
        f"<channel><title>{categories} updates on arXiv.org</title>"
        f"<link>http://rss.arxiv.org/rss/{categories}</link>"
        f"<lastBuildDate>{at}</lastBuildDate><pubDate>{at}</pubDate>"
        f"<skipDays><day>Sunday</day><day>Saturday</day></skipDays>\n{items}</channel></rss>"
    )


def render_error_feed(description: str) -> str:
    """Render the feed server's response for an unknown category."""
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n<rss version=\"2.0\"><channel>"
        "<title>Feed error for query</title>"
        f"<description>{escape(description)}</description></channel></rss>"
    )


def render_oai_page(records: list[Announcement], token: str) -> str:
    """Render a page of records. An empty token marks the last page."""
    listed = "".join(
        f"<record><header><identifier>oai:arXiv.org:{one.id}</identifier>"
        f"<datestamp>{one.day}</datestamp></header>"
        f'<metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>{one.id}</id>'
        f"<created>{one.created}</created>"
        + (f"<updated>{one.day}</updated>" if one.version > 1 else "")
        + "<authors>"
        + "".join(
            f"<author><keyname>{name.split()[1]}</keyname><forenames>{name.split()[0]}</forenames></author>"
            for name in one.authors
        )
        + f"</authors><title>{escape(one.title)}</title><categories>{' '.join(one.categories)}</categories>"
        f"<comments>{escape(one.comment)}</comments><abstract>{escape(one.abstract)}</abstract>"
        "</arXiv></metadata></record>\n"
        for one in records
    )
    more = f"<resumptionToken>{token}</resumptionToken>" if token else ""
    return _wrap_oai(f"<ListRecords>{listed}{more}</ListRecords>")


def render_oai_error(code: str) -> str:
    """Render an OAI-PMH error, which is sent with status 200."""
    return _wrap_oai(f'<error code="{code}">{code}</error>')


def _wrap_oai(inner: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{inner}</OAI-PMH>'
    )


def render_query_answer(papers: list[Announcement]) -> str:
    """Render the query API's response, in its current form."""
    entries = "".join(
        f"<entry><id>http://arxiv.org/abs/{one.id}v{one.version}</id><title>{escape(one.title)}</title>"
        f"<updated>{one.day}T10:00:00Z</updated><summary>{escape(one.abstract)}</summary>"
        + "".join(f'<category term="{category}"/>' for category in one.categories)
        + f"<published>{one.created}T10:00:00Z</published>"
        f"<arxiv:comment>{escape(one.comment)}</arxiv:comment>"
        f'<arxiv:primary_category term="{one.categories[0]}"/>'
        + "".join(f"<author><name>{name}</name></author>" for name in one.authors)
        + "</entry>\n"
        for one in papers
    )
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" '
        'xmlns:arxiv="http://arxiv.org/schemas/atom" '
        'xmlns="http://www.w3.org/2005/Atom"><id>https://arxiv.org/api/x</id><title>arXiv Query</title>'
        f"<opensearch:totalResults>{len(papers)}</opensearch:totalResults>{entries}</feed>"
    )
