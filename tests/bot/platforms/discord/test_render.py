"""Any message becomes pages that Discord takes: links survive, untrusted text neither pings nor formats."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.message import (
    Block,
    Button,
    ButtonAction,
    Card,
    Divider,
    Heading,
    Link,
    Message,
    MessageReference,
    OptionRow,
    Text,
)
from bot.chat.port import Page
from bot.platforms.discord.cards import AMBER, SLATE
from bot.platforms.discord.draft import SUPPRESS_NOTIFICATIONS
from bot.platforms.discord.render import render
from digests.subscription import Channel, DigestStyle
from tests.bot.platforms.discord.limits import check_page
from tests.bot.platforms.discord.markdown import kinds
from tests.bot.platforms.discord.test_sanitize import as_read, nasty_text

TEXT_PARTS = (
    "title", "score", "authors", "domain", "published", "tldr", "flag_note", "review_line", "reason",
    "review_label", "short_title", "brief", "brief_limitation",
)  # fmt: skip
OURS = {"bold", "small print", "list item", "masked link"}
NASTY = (
    "<&*_|@`~:>[]() @everyone <@123> [x](javascript:alert(1)) https://evil.example discord.gg/evil :smile:"
)
every_style = pytest.mark.parametrize("style", list(DigestStyle))


def a_card(number: int | None = 1, **changes: Any) -> Card:
    position = number or 0
    card = Card(
        paper=f"2401.{position:05}",
        title=f"Sparse attention, study {position}",
        url=f"https://arxiv.org/abs/2401.{position:05}",
        number=number,
        score="8.7/10",
        authors="Ada Lovelace, Alan Turing and 3 more",
        domain="cs.LG",
        tldr="Attention over the nearest keys alone is as good and takes a third of the time. " * 3,
        limitations=("Tested on two English datasets only.", "No comparison with FlashAttention-3."),
        published="3 Feb 2024",
        remaining_limitations=2,
        links=(Link("arXiv", "https://arxiv.org/abs/1"), Link("Code", "https://github.com/a/b")),
        review_line="Reviewed by gpt-5 on 24 November 2025 from the full text",
        reason="Matches “attention”",
        review_label="Full review",
        short_title=f"Study {position}",
        brief="Attention over the nearest keys alone is as good.",
        brief_limitation="Limitation: two English datasets · +3",
    )
    return replace(card, **changes)


def a_digest(papers: int, **changes: Any) -> Message:
    opening = (
        Heading("Papers for Monday, 24 November"),
        Text("5 of 212 new papers in cs.LG.", is_small_print=True),
    )
    closing = (Divider(), Text("React with 🔖 to discuss a paper.", is_small_print=True))
    cards = (a_card(number, **changes) for number in range(1, papers + 1))
    return Message("5 papers for Monday", (*opening, *cards, *closing))


def pages_of(message: Message, style: DigestStyle) -> tuple[Page, ...]:
    """Render a message and check the invariants of all pages."""
    pages = render(message, style)
    assert pages
    for page in pages:
        check_page(page.payload)
        for formatted in formatted_texts(page):
            assert kinds(formatted) <= OURS, formatted
        offered = [button["custom_id"] for button in find_buttons(page)]
        assert {option["value"].rpartition(":")[2] for option in find_options(page)} <= set(page.papers)
        assert set(offered) <= {
            f"{action}:{paper}" for paper in page.papers for action in ("discuss", "review", "similar")
        }
    assert [paper for page in pages for paper in page.papers] == [card.paper for card in message.cards]
    assert [page.payload["flags"] for page in pages] == [0] + [SUPPRESS_NOTIFICATIONS] * (len(pages) - 1)
    return pages


def formatted_texts(page: Page) -> Iterator[str]:
    yield page.payload["content"]
    for embed in page.payload["embeds"]:
        yield from (embed.get("title", ""), embed.get("description", ""))


def find_buttons(page: Page) -> list[dict[str, Any]]:
    return [one for row in page.payload["components"] for one in row["components"] if one["type"] == 2]


def find_menus(page: Page) -> list[dict[str, Any]]:
    return [one for row in page.payload["components"] for one in row["components"] if one["type"] == 3]


def find_options(page: Page) -> list[dict[str, Any]]:
    return [option for menu in find_menus(page) for option in menu["options"]]


def embed_urls(pages: Sequence[Page]) -> list[str]:
    return [embed["url"] for page in pages for embed in page.payload["embeds"] if "url" in embed]


def everything_read(pages: Sequence[Page]) -> str:
    return as_read("\n".join(text for page in pages for text in formatted_texts(page)))


def test_a_card_is_this_embed() -> None:
    (page,) = pages_of(Message("A paper", (a_card(),)), DigestStyle.CARDS)
    assert page.payload["content"] == ""
    assert page.payload["embeds"] == [
        {
            "title": "1. Sparse attention, study 1",
            "color": SLATE,
            "url": "https://arxiv.org/abs/2401.00001",
            "description": "-# **8.7/10** · cs.LG · 3 Feb 2024 · Ada Lovelace, Alan Turing and 3 more\n\n"
            + " ".join(
                ["Attention over the nearest keys alone is as good and takes a third of the time."] * 3
            )
            + "\n\n**Limitations** (2 of 4)\n- Tested on two English datasets only."
            + "\n- No comparison with FlashAttention-3."
            + "\n\n-# Matches “attention”"
            + "\n-# [arXiv](https://arxiv.org/abs/1) · [Code](https://github.com/a/b)",
            "footer": {"text": "Reviewed by gpt-5 on 24 November 2025 from the full text"},
        }
    ]
    assert find_buttons(page) == [
        {
            "type": 2,
            "style": 2,
            "label": "Discuss",
            "emoji": {"name": "🔖"},
            "custom_id": "discuss:2401.00001",
        },
        {"type": 2, "style": 2, "label": "Full review", "custom_id": "review:2401.00001"},
    ]


def test_a_card_shows_two_buttons_and_has_the_others_in_a_menu() -> None:
    share = Button(ButtonAction.SHARE, "Share to channel", "2401.00001")
    endless = Button(ButtonAction.SHOW, "Show", "x" * 101)
    (page,) = pages_of(Message("A paper", (a_card(menu=(share, endless)),)), DigestStyle.CARDS)
    assert [button["label"] for button in find_buttons(page)] == ["Discuss", "Full review"]
    assert find_menus(page) == [
        {
            "type": 3,
            "custom_id": "menu:",
            "placeholder": "More",
            "options": [{"label": "Share to channel", "value": "share:2401.00001"}],
        }
    ]
    (bare,) = pages_of(Message("A paper", (a_card(menu=(endless,)),)), DigestStyle.CARDS)
    assert find_menus(bare) == []


def test_the_only_button_of_a_menu_stands_beside_the_others() -> None:
    similar = Button(ButtonAction.SIMILAR, "Similar", "p1")
    (page,) = pages_of(Message("A paper", (a_card(paper="p1", menu=(similar,)),)), DigestStyle.CARDS)
    assert find_menus(page) == []
    assert [button["label"] for button in find_buttons(page)][-1] == "Similar"


def test_empty_parts_of_a_card_are_left_out() -> None:
    (page,) = pages_of(Message("A paper", (Card("p", "Title", ""),)), DigestStyle.CARDS)
    assert page.payload["embeds"] == [{"title": "Title", "color": SLATE}]


def test_warnings_come_before_the_summary() -> None:
    card = a_card(warnings=("The text tries to give orders to its reviewer.",))
    (page,) = pages_of(Message("A paper", (card,)), DigestStyle.CARDS)
    (embed,) = page.payload["embeds"]
    assert embed["color"] == AMBER
    assert embed["description"].index("⚠️ The text tries") < embed["description"].index("Attention over")


def test_flags_are_a_quiet_line_after_the_limitations_and_colour_no_card() -> None:
    (page,) = pages_of(Message("", (a_card(flag_note="Contains text for reviewers"),)), DigestStyle.CARDS)
    (embed,) = page.payload["embeds"]
    assert embed["color"] == SLATE
    line = "-# ⚠️ Contains text for reviewers"
    assert embed["description"].index("**Limitations**") < embed["description"].index(line)


@every_style
def test_without_cards_there_is_one_page_of_content(style: DigestStyle) -> None:
    message = Message(
        "Nothing", (Heading("A quiet day"), Text("No paper reached 7.0."), Text("cs.LG", label="Domains"))
    )
    (page,) = pages_of(message, style)
    assert page.payload["content"] == "**A quiet day**\nNo paper reached 7.0.\n**Domains** cs.LG"
    assert page.payload["embeds"] == []


@every_style
@pytest.mark.parametrize("summary", ["Nothing new", "", "\u200b"])
@pytest.mark.parametrize(
    "blocks", [(), (Divider(),), (Heading(" "), Text("\n"), Text("\ud800", label="\u200b"))]
)
def test_an_empty_message_shows_its_summary(
    style: DigestStyle, summary: str, blocks: tuple[Block, ...]
) -> None:
    (page,) = pages_of(Message(summary, blocks), style)
    assert page.payload["content"] == ("Nothing new" if summary == "Nothing new" else "Nothing to show.")


@every_style
@pytest.mark.parametrize("papers", [1, 2])
def test_a_message_beginning_with_a_card_has_no_page_before_it(style: DigestStyle, papers: int) -> None:
    pages = pages_of(Message("Found", tuple(a_card(number) for number in range(1, papers + 1))), style)
    assert pages[0].papers[0] == "2401.00001"
    assert not pages[0].in_thread


def test_cards_come_one_a_page_after_the_header() -> None:
    pages = pages_of(a_digest(5), DigestStyle.CARDS)
    assert [len(page.papers) for page in pages] == [0, 1, 1, 1, 1, 1]
    assert (
        pages[0].payload["content"] == "**Papers for Monday, 24 November**\n-# 5 of 212 new papers in cs.LG."
    )
    assert [embed["description"] for embed in pages[-1].payload["embeds"][1:]] == [
        "-# React with 🔖 to discuss a paper."
    ]
    assert not any(page.in_thread for page in pages)


@pytest.mark.parametrize("papers", [5, 10])
def test_a_compact_digest_is_one_page_with_one_button_per_paper(papers: int) -> None:
    (page,) = pages_of(a_digest(papers), DigestStyle.COMPACT)
    assert [button["label"] for button in find_buttons(page)] == [
        str(number) for number in range(1, papers + 1)
    ]
    assert page.payload["embeds"][0]["title"] == "1️⃣ Sparse attention, study 1 · 8.7/10"
    assert page.payload["embeds"][0]["description"] == (
        "Attention over the nearest keys alone is as good.\n-# Limitation: two English datasets · +3"
    )
    assert "React with 🔖" in everything_read([page])


def test_the_full_reviews_of_a_compact_digest_open_from_a_menu_at_its_foot() -> None:
    cards = (
        a_card(1),
        a_card(2, review_label="Abstract"),
        a_card(3, review_label=""),
        a_card(4, paper="x" * 101),
        a_card(None, title="*Bold*"),
    )
    (page,) = pages_of(Message("Papers", (Heading("Papers"), *cards)), DigestStyle.COMPACT)
    (menu,) = page.payload["components"][-1]["components"]
    assert menu == {
        "type": 3,
        "custom_id": "review:",
        "placeholder": "Full review or abstract of …",
        "options": [
            {"label": "1. Sparse attention, study 1", "value": "2401.00001"},
            {"label": "2. Sparse attention, study 2", "value": "2401.00002"},
            {"label": "*Bold*", "value": "2401.00000"},
        ],
    }
    (plain,) = pages_of(Message("A paper", (a_card(3, review_label=""),)), DigestStyle.COMPACT)
    assert find_menus(plain) == []


def test_ten_full_reviews_still_fit_a_compact_page() -> None:
    digest = a_digest(
        10, title="A long title " * 30, brief="It works well. " * 90, brief_limitation="Small. " * 90
    )
    assert len(pages_of(digest, DigestStyle.COMPACT)) == 1


def test_a_long_compact_digest_is_split_into_pages() -> None:
    message = a_digest(100)
    pages = pages_of(message, DigestStyle.COMPACT)
    assert len(pages) == 10
    assert embed_urls(pages) == [card.url for card in message.cards]
    assert pages[-1].payload["embeds"][-1]["title"].startswith("100. ")


def test_a_thread_digest_lists_papers_in_the_channel_and_has_cards_in_the_thread() -> None:
    header, *cards = pages_of(a_digest(5), DigestStyle.THREAD)
    *listing, footer = header.payload["embeds"]
    assert listing[1]["title"] == "2️⃣ Sparse attention, study 2 · 8.7/10"
    assert listing[1]["description"].startswith("Attention over the nearest keys alone is as good.")
    assert footer["description"] == "-# React with 🔖 to discuss a paper."
    assert find_buttons(header) == find_menus(header) == []
    assert (header.papers, header.in_thread) == ((), False)
    assert [page.in_thread for page in cards] == [True] * 5


def test_a_long_list_continues_in_the_thread() -> None:
    pages = pages_of(a_digest(100, title="Sparse attention in deep networks " * 5), DigestStyle.THREAD)
    listing = [page for page in pages if not page.papers]
    assert len(listing) > 1
    assert [page.in_thread for page in listing] == [False] + [True] * (len(listing) - 1)
    assert embed_urls(listing) == [card.url for card in a_digest(100).cards]


@every_style
@pytest.mark.parametrize(
    "text",
    [
        NASTY,
        "# h\n> q\n- l\n1. n\n-# s\n>>> z",
        "x" * 10_000,
        "*" * 10_000,
        "A sentence with a_b and **c**. " * 400,
        "https://evil.example/" + "x" * 10_000,
        "שלום עולם \u202e مرحبا " * 50,
        "注意力机制很好。" * 300,
        "👩‍👩‍👧‍👦 🇺🇳 1️⃣" * 300,
        "🔥\u200d" * 3000,
        "\ud800 lone \udfff",
        "Z" + "\u0301" * 5000,
        " \u200b ",
    ],
)
def test_any_text_anywhere_makes_good_pages(style: DigestStyle, text: str) -> None:
    everywhere: dict[str, Any] = dict.fromkeys(TEXT_PARTS, text)
    card = replace(
        a_card(None, paper="p1", url="https://arxiv.org/abs/1"),
        **everywhere,
        limitations=(text,) * 9,
        warnings=(text,) * 9,
        links=(Link(text, "https://arxiv.org/pdf/1"),) * 9,
        menu=(Button(ButtonAction.SHARE, text, "p1"), Button(ButtonAction.SIMILAR, text, "p1")),
    )
    similar = (Button(ButtonAction.SIMILAR, text, "p2"),)
    unreviewed = replace(card, paper="p2", number=2, limitations=(), brief_links=card.links, menu=similar)
    around = (
        Heading(text),
        Text(text, label=text),
        Text(text, is_small_print=True, label="Note"),
        Divider(),
        Text(text),
    )
    pages_of(Message(text, (*around, card, unreviewed, *around)), style)


@every_style
def test_a_script_is_never_a_link(style: DigestStyle) -> None:
    pages = pages_of(
        a_digest(2, url="javascript:alert(1)", links=(Link("PDF", "javascript:alert(1)"),)), style
    )
    assert embed_urls(pages) == []
    assert "masked link" not in {
        kind for page in pages for text in formatted_texts(page) for kind in kinds(text)
    }


@pytest.mark.parametrize("paper", ["", "x" * 93, "a\nb", "\ud800", " x"])
def test_a_paper_with_an_id_that_does_not_survive_has_no_button(paper: str) -> None:
    (page,) = pages_of(Message("", (a_card(paper=paper),)), DigestStyle.CARDS)
    assert find_buttons(page) == []


def test_a_long_title_is_cut() -> None:
    (page,) = pages_of(Message("", (a_card(title="https://evil.example/" + "x" * 999),)), DigestStyle.CARDS)
    assert as_read(page.payload["embeds"][0]["title"]).startswith("1. https://evil.example/xxx")


@pytest.mark.parametrize("letters", [1, 2])
def test_a_part_of_a_card_is_cut_before_it_is_escaped(letters: int) -> None:
    (page,) = pages_of(Message("A paper", (a_card(title="x" * letters + "*" * 1000),)), DigestStyle.CARDS)
    assert page.payload["embeds"][0]["title"].endswith("\\*…")


@every_style
def test_long_paragraphs_are_split_without_loss(style: DigestStyle) -> None:
    words = [f"word_{number}" for number in range(3000)]
    message = Message("Help", (Heading("Help"), Text(" ".join(words)), a_card(), Text(" ".join(words))))
    read = everything_read(pages_of(message, style)).split()
    assert [word for word in read if word.startswith("word_")] == words * 2


def test_text_between_cards_follows_the_card_before_it() -> None:
    message = Message("", (Heading("Two"), a_card(1), Text("Also noted:"), a_card(2)))
    for style in DigestStyle:
        read = everything_read(pages_of(message, style))
        assert read.index("Also noted:") < read.rindex("Sparse attention, study 2")


def test_a_paragraph_keeps_its_lines() -> None:
    (page,) = pages_of(
        Message("", (Text("one\n# two\n\n- three\r\n4. four", is_small_print=True),)), DigestStyle.CARDS
    )
    assert page.payload["content"] == "-# one\n-# \\# two\n\n-# \\- three\n-# 4\\. four"


texts = st.one_of(nasty_text, nasty_text.map(lambda text: text * 200))
cards = st.builds(
    Card,
    paper=st.uuids().map(str),
    title=texts,
    url=nasty_text.map("https://arxiv.org/abs/".__add__),
    number=st.none() | st.integers(1, 120),
    **dict.fromkeys(TEXT_PARTS[1:], texts),
    links=st.lists(st.builds(Link, nasty_text, st.just("https://arxiv.org/pdf/1")), max_size=8).map(tuple),
    brief_links=st.lists(st.builds(Link, nasty_text, st.just("https://arxiv.org/pdf/1")), max_size=8).map(
        tuple
    ),
    limitations=st.lists(texts, max_size=7).map(tuple),
    warnings=st.lists(nasty_text, max_size=4).map(tuple),
)
prose = st.one_of(
    st.builds(Heading, texts), st.builds(Text, texts, st.booleans(), nasty_text), st.builds(Divider)
)
messages = st.builds(
    lambda summary, opening, middle, closing: Message(summary, (*opening, *middle, *closing)),
    texts,
    st.lists(prose, max_size=3),
    st.lists(st.one_of(cards, cards, prose), max_size=14),
    st.lists(prose, max_size=2),
)


@given(messages, st.sampled_from(DigestStyle))
@settings(max_examples=40, deadline=None)
def test_every_message_makes_good_pages_in_every_style(message: Message, style: DigestStyle) -> None:
    pages = pages_of(without_invitations(message), style)
    assert len(embed_urls([page for page in pages if page.papers])) == len(message.cards)


def without_invitations(message: Message) -> Message:
    """Return the message without invitations in its addresses, which the renderer leaves as they are."""
    blocks = (
        replace(block, url=block.url.replace("discord", "x")) if isinstance(block, Card) else block
        for block in message.blocks
    )
    return replace(message, blocks=tuple(blocks))


@pytest.mark.parametrize(("receipt", "place"), [("333", "111/222/333"), ("444/333", "111/444/333")])
def test_a_paper_of_the_queue_names_people_and_links_to_the_message_that_showed_it(
    receipt: str, place: str
) -> None:
    row = OptionRow(
        "9. KTO", Button(ButtonAction.FINISH_DISCUSSION, "Done", "p1"),
        menu=(Button(ButtonAction.POSTPONE, "Postpone for a week", "p1"),), number=9,
        people=("1200", "@everyone"), more_people="2 more", note="discussed on Mon 9 Nov",
        note_target=MessageReference(Channel("discord", "222", "111"), receipt),
    )  # fmt: skip
    (page,) = render(Message("1 to discuss", (row,)), DigestStyle.COMPACT)
    address = f"https://discord.com/channels/{place}"
    assert page.payload["content"] == f"9\\. KTO: <@1200>, 2 more · [discussed on Mon 9 Nov]({address})"
    assert page.payload["allowed_mentions"] == {"parse": []}
    buttons, menu = (row["components"] for row in page.payload["components"])
    assert [button["label"] for button in buttons] == ["Done 9"]
    assert [option["label"] for option in menu[0]["options"]] == ["9. Postpone for a week"]
