"""Parsers of arXiv's three formats: real responses, generated ones, and errors."""

from datetime import date
from pathlib import Path

import pytest

from digests.errors import SourceError
from digests.sources.arxiv import oai, query, rss
from digests.sources.arxiv.papers import is_withdrawn, latest_submission_day
from tests.fakes import arxiv_days
from tests.shared_data import FOLDER, bug_text, needs_shared_data

RECORDED = FOLDER / "arxiv"
DAY = date(2026, 11, 24)


def recorded(name: str) -> bytes:
    (file,) = sorted(RECORDED.glob(name))
    return Path(file).read_bytes()


# The daily feed.


@needs_shared_data
def test_a_real_feed_is_parsed_completely() -> None:
    feed = rss.parse_feed(recorded("rss_full_day*"))
    assert feed.day == date(2026, 6, 30)
    assert (len(feed.new_papers), len(feed.replaced_papers)) == (422, 110)
    first = feed.new_papers[0]
    assert (first.id, first.version, first.primary_category) == ("2606.28729", 1, "cs.IT")
    assert first.authors == ("Yumeng Yang", "Han Cai", "Xianfu Lei", "Xiaohu Tang")
    assert first.abstract.startswith("In this paper, we study convertible codes")
    assert (first.url, first.published) == ("https://arxiv.org/abs/2606.28729", date(2026, 6, 30))
    assert {paper.version for paper in feed.replaced_papers} > {2}
    assert all(
        paper.title and paper.abstract and paper.categories and paper.authors for paper in feed.new_papers
    )


@needs_shared_data
def test_a_real_feed_without_papers_is_empty() -> None:
    feed = rss.parse_feed(recorded("rss_empty_day*"))
    assert (feed.day, feed.paper_count) == (date(2026, 9, 8), 0)


@needs_shared_data
def test_a_real_abstract_about_retraction_is_an_ordinary_paper() -> None:
    item = bug_text("feed_item_about_retraction.xml")
    feed = recorded("rss_empty_day*").decode().replace("</channel>", f"{item}</channel>")
    (paper,) = rss.parse_feed(feed.encode()).new_papers
    assert paper.withdrawn is None


@needs_shared_data
def test_atom_gives_the_same_feed_as_rss() -> None:
    feed = rss.parse_feed(recorded("atom_cs.AI*"))
    assert feed.day == date(2025, 8, 20)
    assert (feed.new_papers[0].id, feed.new_papers[0].version) == ("2508.13426", 1)
    assert feed.new_papers[0].categories == ("cs.CL", "cs.AI")
    assert feed.new_papers[0].authors == ("Chunhua Liu", "Kabir Manandhar Shrestha", "Sukai Huang")
    assert feed.paper_count == 7


def test_a_generated_feed_has_every_kind_of_announcement() -> None:
    papers = arxiv_days.announcements_of(DAY)
    feed = rss.parse_feed(arxiv_days.render_rss(DAY, papers, "cs.LG").encode())
    assert [paper.id for paper in feed.new_papers] == [
        one.id for one in papers if one.kind in ("new", "cross")
    ]
    assert all(paper.version == 2 and paper.updated == DAY for paper in feed.replaced_papers)
    assert [paper.withdrawn for paper in feed.replaced_papers if paper.withdrawn] == [DAY]
    assert "5% less & needs $O(n^2)$ steps where n < " in feed.new_papers[0].abstract


def test_a_paper_listed_as_new_and_as_a_cross_list_is_kept_once() -> None:
    new, *_ = arxiv_days.announcements_of(DAY)
    twice = [new, arxiv_days.Announcement(**{**new.__dict__, "kind": "cross"})]
    assert rss.parse_feed(arxiv_days.render_rss(DAY, twice, "cs.LG+cs.AI").encode()).paper_count == 1


def test_a_cross_listed_old_paper_is_not_dated_today() -> None:
    new, *_ = arxiv_days.announcements_of(DAY)
    old = arxiv_days.Announcement(**{**new.__dict__, "kind": "cross", "id": "2401.00001"})
    (paper,) = rss.parse_feed(arxiv_days.render_rss(DAY, [old], "cs.LG").encode()).new_papers
    assert paper.published == date(2024, 1, 31)


@pytest.mark.parametrize(
    ("given", "known"),
    [("math/0309136", "math/0309136"), ("math.GT/0309136", "math/0309136"), ("0704.0001", "0704.0001")],
)
def test_old_ids_in_a_feed_are_parsed(given: str, known: str) -> None:
    new, *_ = arxiv_days.announcements_of(DAY)
    old = arxiv_days.Announcement(**{**new.__dict__, "kind": "replace", "id": given, "version": 3})
    (paper,) = rss.parse_feed(arxiv_days.render_rss(DAY, [old], "cs.LG").encode()).replaced_papers
    assert (paper.id, paper.version, paper.published, paper.updated) == (known, 3, None, DAY)


def test_an_error_feed_is_an_error_with_arxivs_message() -> None:
    with pytest.raises(SourceError, match=r"reports: Bad archive 'cs\.XX'\. Check the categories"):
        rss.parse_feed(arxiv_days.render_error_feed("Bad archive 'cs.XX'.").encode())


def test_invalid_bytes_are_replaced_and_the_rest_is_kept() -> None:
    text = arxiv_days.render_rss(DAY, arxiv_days.announcements_of(DAY), "cs.LG").replace(
        "Ada Moss", "Zoé Müßig"
    )
    feed = rss.parse_feed(text.encode("latin-1"))
    assert len(feed.new_papers) == 28
    assert any("Zo\ufffd" in name for paper in feed.new_papers for name in paper.authors)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "incomplete or malformed XML"),
        (b"Rate exceeded.", "incomplete or malformed XML"),
        (
            arxiv_days.render_rss(DAY, arxiv_days.announcements_of(DAY), "cs.LG").encode()[:4000],
            "incomplete or malformed XML",
        ),
        (b"<html><body>Access denied</body></html>", "is not a feed"),
        (b"<rss><channel><title>x</title></channel></rss>", "has no date"),
        (b'<!DOCTYPE rss SYSTEM "http://127.0.0.1/x.dtd"><rss/>', "document type"),
    ],
)
def test_a_response_that_is_not_a_feed_is_a_source_error(body: bytes, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        rss.parse_feed(body)


def test_names_are_split_at_commas_without_affiliations() -> None:
    assert rss.split_author_names("Ada Moss (MIT, Boston), Bo Lind, Jr. and C. Li") == (
        "Ada Moss",
        "Bo Lind, Jr.",
        "C. Li",
    )
    assert rss.split_author_names("") == ()


# Records.


@needs_shared_data
def test_a_real_record_is_parsed() -> None:
    (record,) = oai.parse_page(recorded("oai_listrecords*")).records
    assert (record.paper.id, record.created, record.datestamp) == (
        "2504.11237",
        date(2025, 4, 15),
        date(2026, 1, 5),
    )
    assert record.paper.authors == ("Chunhai Lyu", "Christoph H. Keitel", "Zoltán Harman")
    assert record.paper.primary_category == "physics.atom-ph"
    assert record.paper.version is None
    assert record.paper.updated == date(2026, 1, 5)


def test_a_page_has_records_and_the_token_of_the_next() -> None:
    papers = arxiv_days.announcements_of(DAY)
    page = oai.parse_page(arxiv_days.render_oai_page(papers, "t|1").encode())
    assert len(page.records) == len(papers)
    assert page.token == "t|1"
    assert {record.paper.version for record in page.records} == {1, None}
    assert len([record for record in page.records if record.paper.withdrawn]) == 1


def test_errors_of_the_record_server_are_an_empty_page_an_expired_token_or_a_source_error() -> None:
    assert oai.parse_page(arxiv_days.render_oai_error("noRecordsMatch").encode()) == oai.OaiPage((), "")
    with pytest.raises(oai.TokenExpiredError):
        oai.parse_page(arxiv_days.render_oai_error("badResumptionToken").encode())
    with pytest.raises(SourceError, match="reports badArgument"):
        oai.parse_page(arxiv_days.render_oai_error("badArgument").encode())
    with pytest.raises(SourceError, match="holds no records"):
        oai.parse_page(b"<html/>")


@pytest.mark.parametrize(
    ("category", "name"),
    [
        ("cs.LG", "cs:cs:LG"), ("stat.ML", "stat:stat:ML"), ("cs", "cs"), ("q-bio.BM", "q-bio:q-bio:BM"),
        ("physics.optics", "physics:physics:optics"), ("astro-ph.CO", "physics:astro-ph:CO"),
        ("hep-th", "physics:hep-th"), ("quant-ph", "physics:quant-ph"), ("physics", "physics"),
        ("math.OC", "math:math:OC"),
    ],
)  # fmt: skip
def test_categories_are_mapped_to_sets_of_the_record_server(category: str, name: str) -> None:
    assert oai.set_for_category(category) == name


# Single papers.


@needs_shared_data
def test_a_real_response_of_the_query_server_is_parsed() -> None:
    page = query.parse_page(recorded("query_transformer*"))
    assert (page.total, len(page.papers)) == (28946, 5)
    first = page.papers[0]
    assert (first.id, first.version, first.published) == ("2606.13677", 1, date(2026, 6, 11))
    assert first.primary_category == "cs.RO"
    assert first.categories == ("cs.RO", "cs.AI", "cs.CV", "cs.LG")
    assert first.authors[0] == "Zhao-Heng Yin"


@needs_shared_data
def test_unknown_ids_are_missing_from_a_response() -> None:
    page = query.parse_page(recorded("arxivpy_id_0808*"))
    assert [paper.id for paper in page.papers] == ["1707.08567"]
    assert query.parse_page(recorded("arxivpy_id_0000*")) == query.QueryPage((), 0)


@needs_shared_data
def test_an_old_id_keeps_its_archive() -> None:
    (paper,) = query.parse_page(recorded("arxivpy_id_astro*")).papers
    assert (paper.id, paper.version, paper.authors[0]) == ("astro-ph/0601001", 1, "Andrew Gould")


@needs_shared_data
def test_a_bad_id_is_an_error_with_the_servers_message() -> None:
    with pytest.raises(SourceError, match="reports: incorrect id format for abc"):
        query.parse_page(recorded("arxivpy_id_abc*"))


def test_the_form_before_2025_gives_the_same_papers() -> None:
    old = (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        '<link href="http://arxiv.org/api/query" rel="self"/><title type="html">ArXiv Query: '
        "id_list=2401.00001</title>"
        '<opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">1</opensearch:totalResults>'
        "<entry><id>http://arxiv.org/abs/2401.00001v3</id><updated>2024-02-01T00:00:00Z</updated>"
        "<published>2024-01-01T00:00:00Z</published><title>A title\n  on two lines</title><summary>  "
        "Text.\n</summary>"
        "<author><name>Ada Moss</name></author>"
        '<arxiv:comment xmlns:arxiv="http://arxiv.org/schemas/atom">This paper has been '
        "withdrawn</arxiv:comment>"
        '<arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="cs.LG" scheme="x"/>'
        '<category term="cs.AI" scheme="x"/><category term="cs.LG" scheme="x"/></entry></feed>'
    )
    (paper,) = query.parse_page(old.encode()).papers
    assert (paper.id, paper.version, paper.title, paper.abstract) == (
        "2401.00001",
        3,
        "A title on two lines",
        "Text.",
    )
    assert (paper.primary_category, paper.updated, paper.withdrawn) == (
        "cs.LG",
        date(2024, 2, 1),
        date(2024, 2, 1),
    )


# Rules shared by all formats.


@pytest.mark.parametrize(
    ("comment", "abstract", "gone"),
    [
        ("This paper has been withdrawn by the author", "Text", True),
        ("", "This submission has been withdrawn due to an error.", True),
        ("Withdrawn", "Text", True),
        ("12 pages, accepted at a workshop", "We study withdrawn bids in auctions.", False),
        ("", "The paper was long. It is about papers that have been withdrawn.", False),
        ("Paper withdrawn", "Text", True),
        ("Withdrawn by the authors due to an error in Lemma 2", "Text", True),
        ("Withdrawn (see version 1)", "Text", True),
        ("", "This short paper is temporarily withdrawn.", True),
        ("", "The article has been retracted by its authors.", True),
        ("", "We withdraw this paper because of an error in Lemma 2.", True),
        ("The authors have withdrawn this article", "Text", True),
        ("", "We retract papers from a corpus and measure who cites them.", False),
        ("", "Retracted articles keep being cited for years.", False),
        ("", "Withdrawn applications are a source of bias.", False),
        ("", "Retracted in 2010, a study of vaccines is cited still.", False),
        ("", "Retracted by journals, papers live on in citations.", False),
        ("", "The article was retracted by 40 journals in one year, we find.", False),
    ],
)
def test_a_withdrawal_is_recognized_at_the_beginning_of_a_text(
    comment: str, abstract: str, gone: bool
) -> None:
    assert is_withdrawn(comment, abstract) is gone


def test_an_id_gives_its_latest_possible_day() -> None:
    assert latest_submission_day("2611.01234", DAY) == DAY
    assert latest_submission_day("2412.01234", DAY) == date(2024, 12, 31)
    assert latest_submission_day("cs/9912017", DAY) == date(1999, 12, 31)
    assert latest_submission_day("web:0123", DAY) == DAY
