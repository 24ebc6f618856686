"""Paper ids: every form of an id or address gives one id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.errors import InputError
from digests.ids import MAX_NAMED_PAPERS, find_paper_ids, paper_id_of_address, parse_arxiv_id, parse_paper_id
from tests.shared_data import bug_text, bugs, needs_shared_data


@pytest.mark.parametrize(
    "text",
    [
        "2402.01306",
        "2402.01306v3",
        "arXiv:2402.01306v3",
        "arxiv: 2402.01306",
        "https://arxiv.org/abs/2402.01306v3",
        "http://www.arxiv.org/pdf/2402.01306.pdf",
        "arxiv.org/html/2402.01306v1",
        "https://huggingface.co/papers/2402.01306",
        "https://doi.org/10.48550/arXiv.2402.01306",
        "  2402.01306 ",
        "https://arxiv.org/abs/2402.01306?context=cs.CL#tab",
        "https://arxiv.org/abs/2402.01306.",
        "2402.01306,",
        "https://arxiv.org//abs/2402.01306/",
        "https://hf.co/papers/2402.01306",
        "https://ar5iv.labs.arxiv.org/html/2402.01306",
        "https://papers.cool/arxiv/2402.01306",
        "https://scirate.com/arxiv/2402.01306",
        "https://www.doi.org/10.48550/arXiv.2402.01306",
    ],
)
def test_every_form_of_an_arxiv_id_parses_to_the_same_id(text: str) -> None:
    found = parse_arxiv_id(text)
    assert found
    assert (found.id, found.url) == ("2402.01306", "https://arxiv.org/abs/2402.01306")


@pytest.mark.parametrize(
    ("text", "id_", "version"),
    [
        ("cs/0112017", "cs/0112017", None),
        ("math.GT/0309136v2", "math/0309136", 2),
        ("hep-th/9901001", "hep-th/9901001", None),
    ],
)
def test_old_ids_lose_their_subject_class_and_their_version(text: str, id_: str, version: int | None) -> None:
    found = parse_arxiv_id(text)
    assert found
    assert (found.id, found.version) == (id_, version)


@pytest.mark.parametrize(
    "text", ["", "kto", "2402", "2413.01306", "24.01306", "2402.013", "2402.01306v0", "x2402.01306"]
)
def test_other_text_is_not_an_arxiv_id(text: str) -> None:
    assert parse_arxiv_id(text) is None


def test_the_id_of_an_address_ignores_its_fragment_and_the_case_of_its_host() -> None:
    one = paper_id_of_address("https://OpenReview.net/forum?id=AbC#notes")
    other = paper_id_of_address("https://openreview.net/forum?id=AbC")
    assert one == other
    assert one.id.startswith("web:")
    assert one.url == "https://openreview.net/forum?id=AbC"


@pytest.mark.parametrize(
    "address",
    [
        "http://openreview.net/forum?id=AbC",
        "https://www.openreview.net/forum?id=AbC",
        "https://openreview.net/forum/?id=AbC",
        "https://openreview.net:443/forum?id=AbC",
        "https://openreview.net/forum?id=AbC&utm_source=rss&utm_medium=mail",
        "https://openreview.net/forum?fbclid=x&id=AbC",
        "https://openreview.net/forum?id=AbC.",
        "https://openreview.net/forum?id=AbC#notes",
    ],
)
def test_addresses_that_point_to_one_page_have_one_id(address: str) -> None:
    assert paper_id_of_address(address).id == paper_id_of_address("https://openreview.net/forum?id=AbC").id


@pytest.mark.parametrize(
    "address",
    [
        "https://openreview.net/forum?id=abc",
        "https://openreview.net/forum",
        "https://openreview.net/Forum?id=AbC",
        "https://openreview.net:8443/forum?id=AbC",
        "https://api.openreview.net/forum?id=AbC",
    ],
)
def test_addresses_of_different_pages_have_different_ids(address: str) -> None:
    assert paper_id_of_address(address).id != paper_id_of_address("https://openreview.net/forum?id=AbC").id


def test_a_link_keeps_what_its_server_may_need_and_loses_what_follows_people() -> None:
    url = paper_id_of_address("http://www.a.org/x/?b=1&utm_source=rss").url
    assert url == "http://www.a.org/x/?b=1"


@pytest.mark.parametrize(
    "text",
    [
        "Great read: https://arxiv.org/abs/2402.01306.",
        "[KTO](https://arxiv.org/abs/2402.01306) is good",
        "arXiv:2402.01306, anyone?",
        "Read 2402.01306!",
        "**https://hf.co/papers/2402.01306**",
        "(see <https://arxiv.org/pdf/2402.01306v2|KTO>)",
        "“2402.01306”",
        "what about 2402.01306?",
    ],
)
def test_a_paper_is_found_whatever_sign_stands_around_its_link(text: str) -> None:
    assert [found.id for found in find_paper_ids(text)] == ["2402.01306"]


def test_papers_in_a_text_come_in_its_order_and_their_number_is_limited() -> None:
    found = find_paper_ids("2402.01306 and [x](https://openreview.net/forum?id=a_B), not this")
    assert [each.url for each in found] == [
        "https://arxiv.org/abs/2402.01306",
        "https://openreview.net/forum?id=a_B",
    ]
    many = " ".join(f"2402.{number:05}" for number in range(999))
    assert len(find_paper_ids(many)) == MAX_NAMED_PAPERS


@needs_shared_data
def test_every_real_message_names_its_paper() -> None:
    for line in bug_text("messages_to_mark.txt").splitlines():
        if not line.startswith("#"):
            assert len(find_paper_ids(line)) == 1, line


@needs_shared_data
def test_five_real_addresses_are_two_papers() -> None:
    records = bugs("one_paper_many_addresses.jsonl")
    assert len({paper_id_of_address(record["url"]).id for record in records}) == 2


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "ftp://a.org/x",
        "https://",
        "https://user:pw@a.org/",
        "https://a.org/" + "x" * 3000,
        "//a.org",
        "https://[::1",
        "https://a.org/\ud800",
        "https://a b.org/",
    ],
)
def test_an_unsafe_address_is_refused(address: str) -> None:
    with pytest.raises(InputError):
        paper_id_of_address(address)


@given(st.text(max_size=60))
def test_any_text_can_be_parsed_as_a_paper_id(text: str) -> None:
    found = parse_paper_id(text)
    assert found is None or found.id


@given(st.text(max_size=40))
def test_a_built_link_has_no_character_that_ends_markup(tail: str) -> None:
    url = paper_id_of_address(f"https://a.org/{tail.strip()}").url
    assert not set(url) & set(' <>|"\\^`{}\n\t')


@pytest.mark.parametrize(
    "text",
    [
        "arXiv:2402.01306v4 [cs.LG] 19 Nov 2024",
        "<https://arxiv.org/abs/2402.01306|arxiv.org/abs/2402.01306>",
        "２４０２．０１３０６",
        "oai:arXiv.org:2402.01306v2",
        "(see [2402.01306].)",
        "arXiv preprint arXiv:2402.01306 (2024)",
        "eprint={2402.01306},",
        "2402.01306v2.pdf",
        "论文2402.01306。",
        "https://browse.arxiv.org/pdf/2402.01306.pdf",
        "https://www.doi.org/10.48550/ARXIV.2402.01306",
        "2402.01306 and again https://arxiv.org/abs/2402.01306v3",
    ],
)
def test_an_id_is_found_wherever_it_stands(text: str) -> None:
    assert [reference.id for reference in find_paper_ids(text)] == ["2402.01306"]


def test_an_id_within_the_address_of_another_page_is_found_before_the_page() -> None:
    address = "https://mirror.example/?pid=2402.01306"
    assert [found.id for found in find_paper_ids(address)] == ["2402.01306", paper_id_of_address(address).id]


def test_numbers_that_only_contain_the_digits_of_an_id_name_no_paper() -> None:
    assert find_paper_ids("12.2402.01306 92402.01306 2402.01306.5 2402.0130699") == []
