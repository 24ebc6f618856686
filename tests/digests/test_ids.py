"""Paper ids: every form of an id or address gives one id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.errors import InputError
from digests.ids import paper_id_of_address, parse_arxiv_id, parse_paper_id


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
