"""Any message becomes readable pages within Slack's limits."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.message import (
    Block,
    Button,
    ButtonAction,
    Buttons,
    Card,
    Divider,
    Heading,
    Link,
    Links,
    Message,
    MessageReference,
    OptionRow,
    Quote,
    Text,
)
from bot.chat.port import Page, PostUpdate
from bot.platforms.slack.blocks import count_blocks, drop_containers, read_action
from bot.platforms.slack.post_update import apply_post_update
from bot.platforms.slack.render import render
from digests.subscription import Channel, DigestStyle
from tests.bot.platforms.slack.limits import check_page, find_texts, read

UNSEEN = re.compile("[\u00ad\u200b]")

every_style = pytest.mark.parametrize("style", list(DigestStyle))


def a_card(number: int | None = 1, **parts: Any) -> Card:
    """A card with something in every part but the warnings."""
    given_parts: dict[str, Any] = {
        "paper": f"2606.{number or 0:05}",
        "title": f"Paper {number}: Attention Is Enough",
        "url": f"https://arxiv.org/abs/2606.{number or 0:05}",
        "score": "8.7/10",
        "authors": "A. Author, B. Author and 3 more",
        "domain": "Machine Learning",
        "tldr": "Attention is enough. It always was.",
        "published": "3 Feb 2024",
        "limitations": ("Only English was tested.", "One seed."),
        "remaining_limitations": 2,
        "links": (Link("arXiv", f"https://arxiv.org/abs/2606.{number or 0:05}"),),
        "review_line": "Reviewed by qwen3, 23 June 2026",
        "reason": "#1 of 21 in vision",
        "review_label": "Full review",
        "short_title": f"Paper {number}",
        "brief": "Attention is enough.",
        "brief_limitation": "Limitation: only English was tested · +3",
    }
    return Card(**{**given_parts, "number": number, **parts})


FOOTER = (Divider(), Text("132 new papers considered.", is_small_print=True))


def a_digest(count: int, **parts: Any) -> Message:
    cards = tuple(a_card(number, **parts) for number in range(1, count + 1))
    return Message(
        f"Tuesday - {count} papers",
        (Heading(f"Tuesday - {count} papers"), Text("Good morning."), *cards, *FOOTER),
    )


def build_message(*blocks: Block, summary: str = "Summary") -> Message:
    return Message(summary, blocks)


def find_containers(pages: Iterable[Page]) -> list[Any]:
    return [block for page in pages for block in page.payload["blocks"] if block["type"] == "container"]


def read_page(page: Page) -> str:
    """Return the text of a page as Slack shows it, one line per part."""
    shown = (
        re.sub(r"<https?://[^|>]+\|([^>]+)>", r"\1", text["text"])
        if text["type"] == "mrkdwn"
        else text["text"]
        for text in find_texts(page.payload["blocks"])
    )
    return "\n".join(shown).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def list_block_types(page: Page) -> list[str]:
    return [block["type"] for block in page.payload["blocks"]]


def list_markups(page: Page) -> list[str]:
    return [text["text"] for text in find_texts(page.payload["blocks"]) if text["type"] == "mrkdwn"]


def find_discuss_buttons(page: Page) -> list[dict[str, Any]]:
    """Return the Discuss buttons of a page."""
    blocks = page.payload["blocks"]
    in_actions = [button for block in blocks if block["type"] == "actions" for button in block["elements"]]
    beside = [block["accessory"] for block in blocks if "accessory" in block]
    return [button for button in in_actions + beside if button["action_id"].partition(".")[0] == "discuss"]


MESSAGE_ADDRESS = "https://slack.com/archives/C1/p12"


def check_all(message: Message, style: DigestStyle) -> tuple[Page, ...]:
    """Render a message and check the invariants of all messages in all styles."""
    pages = render(message, style)
    urls = {card.url for card in message.cards}
    links = {link.url for card in message.cards for link in (*card.links, *card.brief_links)}
    links.add(MESSAGE_ADDRESS)
    links |= {link.url for block in message.blocks if isinstance(block, Links) for link in block.links}
    for page in pages:
        check_page(page.payload, allowed_urls={*urls, *links, "<@UADA>"})
        assert set(list_block_types(page)) != {"divider"}
    linked = {link[0] for page in pages for markup in list_markups(page) for link in read(markup).links}
    assert urls <= linked <= urls | links
    assert [paper for page in pages for paper in page.papers] == [card.paper for card in message.cards]
    assert [button["value"] for page in pages for button in find_discuss_buttons(page)] == [
        card.paper for card in message.cards
    ]
    check_formatting(message, pages)
    return pages


def check_formatting(message: Message, pages: tuple[Page, ...]) -> None:
    """Check that only titles, labels and one word of ours are bold, and nothing else is formatted."""
    bold = []
    for page in pages:
        readings = [read(markup) for markup in [*list_markups(page), page.payload["text"]]]
        for reading in readings:
            others = (
                tuple(ping for ping in reading.pings if ping != "<@UADA>"),
                reading.italic,
                reading.struck,
                reading.code,
                reading.quotes,
                reading.emoji,
            )
            assert not any(others), others
        assert read(page.payload["text"]).bold == ()
        assert read(page.payload["text"]).links == ()
        bold += [span for reading in readings for span in reading.bold if span != "Limitations"]
    labels = sum(isinstance(block, Text) and bool(block.label.strip()) for block in message.blocks)
    urls = {card.url for card in message.cards}
    titles = re.compile(r"\*(?:\d+\. )?<https?://[^|]+\|")
    listed = sum(len(titles.findall(markup)) for page in pages for markup in list_markups(page))
    assert urls or not listed
    children = [child for block in find_containers(pages) for child in block["child_blocks"]]
    quoted = sum(child["type"] == "section" and child["text"]["text"][0] == "*" for child in children)
    assert len(bold) == listed + labels + quoted, bold


# Cards.


def test_a_card_is_these_blocks() -> None:
    card = a_card(warnings=("Withdrawn.",), flag_note="Contains text for AI reviewers")
    (page,) = render(build_message(card), DigestStyle.CARDS)
    assert page.papers == ("2606.00001",)
    assert page.payload == {
        "text": "Summary",
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": [
            {
                "type": "section",
                "text": {
                    "type": "mrkdwn",
                    "text": "*1. <https://arxiv.org/abs/2606.00001|Paper 1: Attention Is Enough>*",
                    "verbatim": True,
                },
            },
            {
                "type": "context",
                "elements": [
                    {
                        "type": "plain_text",
                        "text": "8.7/10 · Machine Learning · 3 Feb 2024 · A. Author, B. Author and 3 more",
                        "emoji": False,
                    }
                ],
            },
            {
                "type": "section",
                "text": {"type": "plain_text", "text": "⚠️ Withdrawn.", "emoji": False},
            },
            {
                "type": "section",
                "text": {"type": "plain_text", "text": "Attention is enough. It always was.", "emoji": False},
            },
            {
                "type": "section",
                "text": {
                    "type": "mrkdwn",
                    "text": "*Limitations* (2 of 4)\n• Only English was tested.\n• One seed.",
                    "verbatim": True,
                },
            },
            {
                "type": "context",
                "elements": [
                    {
                        "type": "mrkdwn",
                        "text": "⚠️ Contains text for AI reviewers\n"
                        "#1 of 21 in vision · Reviewed by qwen3, 23 June 2026\n"
                        "<https://arxiv.org/abs/2606.00001|arXiv>",
                        "verbatim": True,
                    }
                ],
            },
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "action_id": "discuss",
                        "text": {"type": "plain_text", "text": "🔖 Discuss", "emoji": True},
                        "value": "2606.00001",
                        "accessibility_label": "Discuss Paper 1: Attention Is Enough",
                    },
                    {
                        "type": "button",
                        "action_id": "review",
                        "text": {"type": "plain_text", "text": "Full review", "emoji": True},
                        "value": "2606.00001",
                    },
                ],
            },
        ],
    }


def test_a_compact_card_is_a_title_a_sentence_and_a_limitation_with_its_button_at_the_foot() -> None:
    (page,) = render(build_message(a_card(2), a_card(3)), DigestStyle.COMPACT)
    first, first_small_print, _, _, foot = page.payload["blocks"]
    assert first["text"]["text"] == (
        "2️⃣ *<https://arxiv.org/abs/2606.00002|Paper 2: Attention Is Enough>* · 8.7/10\nAttention is enough."
    )
    assert first_small_print["elements"][0]["text"] == "Limitation: only English was tested · +3"
    assert first_small_print["block_id"] == "paper:2606.00002"
    buttons = foot["elements"][:-1]
    assert [button["text"]["text"] for button in buttons] == ["🔖 2", "🔖 3"]
    assert [button["action_id"] for button in buttons] == ["discuss", "discuss.1"]
    assert [button["value"] for button in buttons] == ["2606.00002", "2606.00003"]


def test_the_full_reviews_of_a_compact_digest_open_from_a_menu_at_its_foot() -> None:
    cards = [
        a_card(1, review_label="Full review"),
        a_card(2, review_label="Abstract"),
        a_card(3, review_label=""),
        a_card(4, paper="x" * 151, review_label="Full review"),
    ]
    (page,) = render(build_message(*cards), DigestStyle.COMPACT)
    *buttons, menu = page.payload["blocks"][-1]["elements"]
    assert len(buttons) == 4
    assert (menu["type"], menu["action_id"]) == ("static_select", "review.4")
    assert menu["placeholder"]["text"] == "Full review or abstract of …"
    assert [option["value"] for option in menu["options"]] == ["2606.00001", "2606.00002"]
    assert menu["options"][0]["text"]["text"].startswith("1. ")
    (plain,) = render(build_message(a_card(3, review_label="")), DigestStyle.COMPACT)
    assert [element["type"] for element in plain.payload["blocks"][-1]["elements"]] == ["button"]


def test_the_quotes_of_a_card_are_collapsed_under_its_limitations() -> None:
    quotes = (Quote("Only English.", "We test *English* <!channel>."), Quote("", "One seed."))
    card = a_card(1, quotes=quotes, grades="novelty 3, soundness 4")
    (page,) = check_all(build_message(card), DigestStyle.CARDS)
    types = list_block_types(page)
    (container,) = find_containers([page])
    assert "*Limitations*" in str(page.payload["blocks"][types.index("container") - 1])
    assert container["is_collapsible"] is container["default_collapsed"] is True
    assert [text["text"] for text in find_texts(container)] == [
        "Quotes that show these limitations",
        "*Only English.*\n“We test ∗English∗ &lt;\u200b!channel&gt;.”",
        "“One seed.”",
        "Grades, 1 to 5: novelty 3, soundness 4",
    ]
    assert drop_containers(page.payload["blocks"]) == render_blocks(a_card(1))


def render_blocks(card: Card) -> list[Any]:
    (page,) = render(build_message(card), DigestStyle.CARDS)
    return list(page.payload["blocks"])


def test_a_card_without_quotes_has_no_container() -> None:
    for card in (a_card(1), a_card(1, grades="novelty 3"), a_card(1, quotes=(Quote("Only English.", " "),))):
        assert render_blocks(card) == render_blocks(a_card(1))


def test_quotes_are_bounded_and_the_compact_look_has_none() -> None:
    quotes = (Quote("&" * 900, "&" * 5000),) * 30
    card = a_card(1, quotes=quotes, grades="&" * 5000)
    (page,) = check_all(build_message(card), DigestStyle.CARDS)
    (container,) = find_containers([page])
    assert len(container["child_blocks"]) == 6
    (compact,) = check_all(build_message(card), DigestStyle.COMPACT)
    assert "container" not in list_block_types(compact)


def test_quotes_give_way_on_a_card_that_fills_a_page() -> None:
    long = "&" * 10_000
    url = "https://arxiv.org/abs/" + "1" * 1470
    links = (Link(long, url),) * 9
    fullest = a_card(1, title=long, url=url, tldr=long, limitations=(long,) * 50, links=links)
    assert render_blocks(replace(fullest, quotes=(Quote(long, long),) * 5)) == render_blocks(fullest)


def test_an_update_line_has_no_room_where_containers_fill_the_message() -> None:
    card = a_card(1, quotes=(Quote("Only English.", "We test English."),))
    blocks = [{"type": "divider"}] * 41 + render_blocks(card)
    update = PostUpdate(update_lines={card.paper: "Update: v2"})
    posted = {"text": "Papers", "blocks": blocks}
    assert count_blocks(blocks) == 49
    assert "Update: v2" in str(apply_post_update(posted, update)["blocks"])
    full = {"text": "Papers", "blocks": [{"type": "divider"}, *blocks]}
    assert "Update: v2" not in str(apply_post_update(full, update)["blocks"])


def test_a_card_shows_two_buttons_and_the_others_behind_a_menu() -> None:
    others = [Button(ButtonAction.SHARE, "Share to channel", value) for value in ("1", "x" * 150, "2\n")]
    others += [Button(ButtonAction.SHOW, "", f"{number}") for number in range(5)]
    (page,) = check_all(build_message(a_card(1, menu=tuple(others))), DigestStyle.CARDS)
    discuss, review, menu = page.payload["blocks"][-1]["elements"]
    assert (discuss["action_id"], review["action_id"], menu["type"]) == ("discuss", "review", "overflow")
    assert [(one["text"]["text"], one["value"]) for one in menu["options"]] == [
        ("Share to channel", "share:1"),
        *(("Show", f"show:{number}") for number in range(4)),
    ]
    assert [read_action(menu["action_id"], one["value"]) for one in menu["options"]][:2] == [
        ("share", "1"),
        ("show", "0"),
    ]


def test_buttons_at_the_end_of_a_compact_digest_share_the_row_at_its_foot() -> None:
    more = Buttons((Button(ButtonAction.SETTINGS, "Settings", "C1"),))
    cards = (a_card(number, review_label="") for number in (1, 2))
    (page,) = render(build_message(*cards, more), DigestStyle.COMPACT)
    assert list_block_types(page).count("actions") == 1
    assert [button["text"]["text"] for button in page.payload["blocks"][-1]["elements"]] == [
        "🔖 1",
        "🔖 2",
        "Settings",
    ]


def test_the_compact_button_of_a_paper_without_a_place_has_its_short_title() -> None:
    (page,) = render(build_message(a_card(None), a_card(2)), DigestStyle.COMPACT)
    assert [button["text"]["text"] for button in find_discuss_buttons(page)] == ["🔖 Paper None", "🔖 2"]


def test_a_compact_card_with_links_has_its_reason_before_them() -> None:
    card = a_card(None, brief_limitation="", brief_links=(Link("PDF", "https://arxiv.org/pdf/1"),))
    (page,) = check_all(build_message(card), DigestStyle.COMPACT)
    assert "\n#1 of 21 in vision · PDF\n" in read_page(page)


def test_papers_up_to_ten_have_keycaps_and_later_ones_numbers() -> None:
    text = "\n".join(read_page(page) for page in render(a_digest(11), DigestStyle.COMPACT))
    assert "🔟 *Paper 10" in text
    assert "\n11. *Paper 11" in text


@every_style
def test_a_card_without_limitations_has_no_heading_for_them(style: DigestStyle) -> None:
    bare = a_card(limitations=(), brief_limitation="", score="No review yet", review_line="", reason="")
    text = "\n".join(read_page(page) for page in check_all(build_message(bare), style))
    assert text.count("No review yet") == 1
    assert "Limitation" not in text


@every_style
def test_a_card_with_nothing_but_a_title_leaves_no_gaps(style: DigestStyle) -> None:
    (page,) = check_all(build_message(Card("1", "Title", "https://a.org/1", number=1)), style)
    title, button = read_page(page).split("\n")
    assert title.endswith("*Title*") or title == "*1. Title*"
    assert button in ("🔖 Discuss", "🔖 1")


@every_style
def test_every_warning_is_seen_with_its_sign(style: DigestStyle) -> None:
    pages = check_all(build_message(a_card(warnings=("One.", "Two."))), style)
    assert "⚠️ One.\n⚠️ Two." in read_page(pages[-1])


@every_style
def test_limitations_and_warnings_too_many_to_show_are_counted(style: DigestStyle) -> None:
    many = tuple(f"{number} " + "word " * 50 for number in range(40))
    text = "\n".join(
        read_page(page) for page in check_all(build_message(a_card(limitations=many, warnings=many)), style)
    )
    assert re.search(r"⚠️ 0 [^⚠]*⚠️ 1 [^⚠]*\nand 38 more|⚠️ 2 [^⚠]*\nand 37 more", text)


def test_the_notification_is_the_summary_and_screen_readers_get_the_whole_card() -> None:
    first, second = render(a_digest(1), DigestStyle.CARDS)
    assert first.payload["text"] == "Tuesday - 1 papers"
    assert second.payload["text"].split("\n") == [
        "1. Paper 1: Attention Is Enough",
        "8.7/10 · Machine Learning · 3 Feb 2024 · A. Author, B. Author and 3 more",
        "Attention is enough. It always was.",
        "Limitations: Only English was tested; One seed",
        "132 new papers considered.",
    ]


# Pages.


def test_cards_are_a_header_and_one_page_per_paper_with_the_footer_on_the_last() -> None:
    header, *cards = check_all(a_digest(5), DigestStyle.CARDS)
    assert header.papers == ()
    assert [len(page.papers) for page in cards] == [1] * 5
    assert not any(page.in_thread for page in (header, *cards))
    assert read_page(header) == "Tuesday - 5 papers\nGood morning."
    assert ["considered" in read_page(page) for page in cards] == [False] * 4 + [True]
    assert list_block_types(cards[-1])[-2:] == ["divider", "context"]


def test_a_short_compact_digest_is_one_page() -> None:
    (page,) = check_all(a_digest(5), DigestStyle.COMPACT)
    assert len(page.papers) == 5
    assert len(find_discuss_buttons(page)) == 5
    assert "considered" in read_page(page)


def test_a_long_compact_digest_is_split_into_pages_between_cards() -> None:
    pages = check_all(a_digest(100), DigestStyle.COMPACT)
    assert len(pages) > 1
    assert all(len(find_discuss_buttons(page)) == len(page.papers) for page in pages)
    assert not any(page.in_thread for page in pages)


def test_a_thread_digest_lists_papers_in_the_channel_and_has_cards_in_the_thread() -> None:
    header, *cards = check_all(a_digest(5), DigestStyle.THREAD)
    assert not header.in_thread
    assert header.papers == ()
    assert read_page(header).split("\n")[2:6] == [
        "1️⃣ *Paper 1: Attention Is Enough* · 8.7/10",
        "Attention is enough.",
        "Limitation: only English was tested · +3",
        "2️⃣ *Paper 2: Attention Is Enough* · 8.7/10",
    ]
    assert find_discuss_buttons(header) == []
    assert read_page(header).endswith("132 new papers considered.")
    assert all(page.in_thread for page in cards)
    assert not any("considered" in read_page(page) for page in cards)


def test_a_long_list_continues_in_the_thread() -> None:
    pages = check_all(a_digest(100, title="A title as long as they are " * 5), DigestStyle.THREAD)
    listing = [page for page in pages if not page.papers]
    assert len(listing) > 1
    assert [page.in_thread for page in listing] == [False] + [True] * (len(listing) - 1)
    assert list(pages[: len(listing)]) == listing
    assert sum(len(read(markup).links) for page in listing for markup in list_markups(page)) == 100
    assert "considered" in read_page(listing[-1])


@every_style
def test_without_cards_the_footer_is_on_the_only_page(style: DigestStyle) -> None:
    (page,) = check_all(a_digest(0), style)
    assert list_block_types(page) == ["header", "section", "divider", "context"]
    assert not page.in_thread


@every_style
def test_a_message_beginning_with_a_card_has_it_on_the_first_page(style: DigestStyle) -> None:
    (page,) = render(build_message(a_card(), Text("Found by its id.", is_small_print=True)), style)
    assert page.papers == ("2606.00001",)
    assert not page.in_thread
    assert page.payload["text"] == "Summary"
    assert "Found by its id." in read_page(page)


@every_style
def test_text_after_a_card_follows_the_card(style: DigestStyle) -> None:
    one, two = (a_card(number, review_label="") for number in (1, 2))
    blocks = (Heading("Queue"), one, Text("Wanted by two."), two, Text("Wanted by one."))
    text = "\n".join(read_page(page) for page in check_all(build_message(*blocks), style))
    positions = [text.rindex(part) for part in ("Paper 1", "Wanted by two.", "Paper 2", "Wanted by one.")]
    assert positions == sorted(positions)


@pytest.mark.parametrize("style", [DigestStyle.CARDS, DigestStyle.COMPACT])
def test_a_footer_that_does_not_fit_gets_its_own_page_and_no_line_is_left_over(style: DigestStyle) -> None:
    full = a_card(limitations=("word " * 70,) * 20, warnings=("word " * 70,) * 20)
    footer: tuple[Block, ...] = (Divider(), *[Text("word " * 580)] * 4)
    pages = check_all(build_message(Heading("Today"), full, *footer), style)
    assert pages[-1].papers == ()
    assert not any("divider" in (list_block_types(page)[0], list_block_types(page)[-1]) for page in pages)
    assert pages[-1].payload["text"].startswith("word word")


@every_style
@pytest.mark.parametrize("blocks", [(), (Divider(),), (Heading("\u200b \u3164"), Text("\ud800"))])
def test_an_empty_message_shows_its_summary(style: DigestStyle, blocks: tuple[Block, ...]) -> None:
    (page,) = check_all(build_message(*blocks, summary="All quiet."), style)
    assert read_page(page) == "All quiet."
    assert page.payload["text"] == "All quiet."


@every_style
def test_a_message_without_words_is_still_a_message(style: DigestStyle) -> None:
    (page,) = check_all(build_message(summary=""), style)
    assert read_page(page) == "Nothing to show."


# Paragraphs.


def test_a_label_is_bold_before_its_text() -> None:
    (page,) = render(
        build_message(Text("every day at 9:00", label="When"), Text("a\nb", label="What")), DigestStyle.CARDS
    )
    assert list_markups(page) == ["*When* every day at 9:00", "*What*\na\nb"]


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("label", ["", "Label"])
@pytest.mark.parametrize("sample", ["& words, ", "<&>", "词语", "👩‍👩‍👧", "line\n", ":a:*b* "])
def test_a_long_paragraph_is_split_without_loss(sample: str, label: str, quiet: bool) -> None:
    long = sample * (10_000 // len(sample))
    pages = check_all(build_message(Text(long, is_small_print=quiet, label=label)), DigestStyle.CARDS)
    text = re.sub(r"\s", "", UNSEEN.sub("", "".join(read_page(page) for page in pages))).replace("∗", "*")
    assert text.removeprefix("*Label*") == re.sub(r"\s", "", long)


def test_line_breaks_stay_in_paragraphs_and_go_from_headings_and_cards() -> None:
    message = build_message(
        Heading("Two\nlines"), Text("Two\r\n\n\n\n lines"), a_card(title="Two\n\nlines", tldr="Two\n\nlines")
    )
    header, card = render(message, DigestStyle.CARDS)
    assert read_page(header) == "Two lines\nTwo\n\nlines"
    assert "Two lines*" in read_page(card)
    assert "\nTwo lines\n" in read_page(card)


# Words from outside.

NASTY = [
    "<&*_|@`~:>",
    "*bold* _italic_ ~struck~ `code` ```block```",
    "＊bold＊ ＿italic＿ ｀code｀",
    "a \u200b*\u200bbold\u200b*\u200b b",
    "**bold** __bold__ *_~all~_* (*bold*) *a*, _b_.",
    "> quote\n>>> quote\n＞ quote\n\u200b> quote",
    ":smile: :+1::skin-tone-2: :custom_emoji: a:b:c",
    "<!channel> <!here|here> <!everyone> <@U123> <#C123|general> <!subteam^S1>",
    "@everyone @here @Channel @channel",
    "[x](javascript:alert(1)) <javascript:alert(1)|x> <https://evil.com|arxiv.org>",
    "https://evil.com www.evil.com evil.com a|b https://evil.com|x>y",
    "&lt;!channel&gt; &amp;lt; &#60;",
    "\ud800\udfff\ud83d",
    "\u202egnitekram\u202c \u2066x\u2069 \u200f\u0000\x1b[31m\t",
    "שלום *עולם* مرحبا _بالعالم_",
    "注意*力*机制 _です_ 全角：記号",
    "👩‍👩‍👧‍👦 🇩🇪 👍🏽 ⚠️ e\u0301\u0301\u0301\u0301\u0301",
    "\u3164\u200b\u2060",
    "",
    "x" * 3000,
    "&<>" * 1000,
    "https://evil.com/" + "a" * 3000,
]


def nasty_message(text: str) -> Message:
    """Return a message with this text in every part."""
    card = a_card(
        title=text,
        score=text,
        authors=text,
        domain=text,
        tldr=text,
        limitations=(text, text),
        warnings=(text,),
        review_line=text,
        reason=text,
    )
    links = (Link(text, "https://arxiv.org/pdf/1"),)
    noted = a_card(
        2,
        title=text,
        tldr=text,
        limitations=(),
        flag_note=text,
        links=links,
        brief=text,
        brief_limitation=text,
        brief_links=links,
        short_title=text,
        review_label=text,
        quotes=(Quote(text, text), Quote(text, text)),
        grades=text,
        menu=(Button(ButtonAction.SHARE, text, "1"), Button(ButtonAction.SHOW, "Show", text)),
    )
    return build_message(
        Heading(text),
        Text(text),
        Text(text, is_small_print=True),
        card,
        noted,
        Divider(),
        Text(text),
        summary=text,
    )


@every_style
@pytest.mark.parametrize("text", [*NASTY, "".join(NASTY), "\n".join(NASTY)])
def test_nothing_from_outside_pings_links_or_formats_and_the_limits_hold(
    style: DigestStyle, text: str
) -> None:
    check_all(nasty_message(text), style)


@every_style
@pytest.mark.parametrize("text", NASTY)
def test_a_label_from_outside_is_bold_and_no_more(style: DigestStyle, text: str) -> None:
    check_all(build_message(Text("text", label=f"label {text}"), Text(f"{text} text", label="label")), style)


@every_style
@pytest.mark.parametrize("sign", ["a", "word ", "& ", "注", "א", "👩‍👩‍👧", "*", "@everyone ", "Sentence. "])
def test_texts_of_ten_thousand_characters_keep_the_limits(style: DigestStyle, sign: str) -> None:
    long = (sign * 10_000)[:10_000]
    pages = check_all(nasty_message(long), style)
    assert any("…" in read_page(page) or "Sentence." in read_page(page) for page in pages)


@pytest.mark.parametrize("letters", range(1, 6))
def test_a_part_of_a_card_is_cut_before_it_is_escaped(letters: int) -> None:
    # The limit holds for the escaped text.
    long = "x" * letters + "&" * 1000
    (page,) = check_all(build_message(a_card(limitations=(long,))), DigestStyle.CARDS)
    (line,) = [line for markup in list_markups(page) for line in markup.splitlines() if "&amp;" in line]
    assert len(line) <= len("• ") + 300


@every_style
def test_the_fullest_card_fits_one_page(style: DigestStyle) -> None:
    long = "&" * 10_000
    limitations = warnings = (long,) * 50
    card = a_card(
        paper="p" * 2000,
        title=long,
        url="https://arxiv.org/abs/" + "1" * 1470,
        score=long,
        authors=long,
        domain=long,
        tldr=long,
        limitations=limitations,
        warnings=warnings,
        review_line=long,
        reason=long,
    )
    assert len(check_all(build_message(card), style)) == 1


def test_harmless_text_is_unchanged() -> None:
    title = "AlpacaEval_2.0: a*b, x_1, 10~20, pass@k, C++ & R, 3 < 4 at 10:30"
    (page,) = render(build_message(a_card(None, title=title)), DigestStyle.CARDS)
    assert read_page(page).startswith(f"*{title}*")


def test_formatting_characters_become_look_alikes() -> None:
    (page,) = render(build_message(a_card(None, title="*A* _B_ ~C~ `D`")), DigestStyle.CARDS)
    assert read_page(page).startswith("*∗A∗ ˍBˍ ∼C∼ ˋDˋ*")


def test_prose_without_markup_is_unchanged() -> None:
    tldr = "*A* _B_ ~C~ `D` :smile: > <b> & | https://a.org"
    (page,) = render(build_message(a_card(tldr=tldr), Text(tldr)), DigestStyle.CARDS)
    assert [text["text"] for text in find_texts(page.payload["blocks"]) if "_B_" in text["text"]] == [
        tldr,
        tldr,
    ]


# Addresses and ids.


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://arxiv.org/abs/1?a=1&b=2", "https://arxiv.org/abs/1?a=1&amp;b=2"),
        ("https://arxiv.org/a|b>c<d e*", "https://arxiv.org/a%7Cb%3Ec%3Cd%20e%2A"),
        ("https://arxiv.org/é\ud800", "https://arxiv.org/%C3%A9"),
        ("http://arxiv.org:8080/%20", "http://arxiv.org:8080/%20"),
    ],
)
@every_style
def test_an_address_cannot_break_out_of_its_link(url: str, target: str, style: DigestStyle) -> None:
    pages = render(build_message(a_card(url=url)), style)
    assert any(
        f"<{target}|Paper 1: Attention Is Enough>" in markup
        for page in pages
        for markup in list_markups(page)
    )


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "data:text/html,x", "slack://open", "", "arxiv.org/abs/1", "https://",
        "https://[", "!channel",
        "https://arxiv.org@evil.com/", "https://evil.com|x/", "https://a.org/" + "a" * 3000, "@U123",
        "\ud800",
    ],
)  # fmt: skip
@every_style
def test_a_title_without_a_valid_address_has_no_link(url: str, style: DigestStyle) -> None:
    for page in render(build_message(a_card(url=url, links=(Link("PDF", url),))), style):
        check_page(page.payload, allowed_urls=())
        assert "*1. Paper 1: Attention Is Enough*" in read_page(
            page
        ) or "1️⃣ *Paper 1: Attention Is Enough*" in read_page(page)


@pytest.mark.parametrize("paper", ["", "p" * 2001, "&" * 401, "\ud800", "two\nlines"])
@every_style
def test_an_id_that_does_not_survive_slack_gets_no_button(paper: str, style: DigestStyle) -> None:
    (page,) = render(build_message(a_card(paper=paper)), style)
    check_page(page.payload, allowed_urls={"https://arxiv.org/abs/2606.00001"})
    assert find_discuss_buttons(page) == []
    assert page.papers == (paper,)


# Any words in any order.

fragments = st.sampled_from(
    [*NASTY, "*", "_", "~", "`", ":", "@", "<", ">", "&", "|", "\n", " ", "a", "é", "字", "•"]
)
words = st.lists(fragments | st.text(max_size=8), max_size=8).map("".join)
cards = st.builds(
    Card,
    paper=st.just("id"),
    title=words,
    url=st.just(""),
    number=st.none() | st.integers(0, 200),
    score=words,
    authors=words,
    domain=words,
    tldr=words,
    limitations=st.lists(words, max_size=3).map(tuple),
    published=words,
    remaining_limitations=st.integers(0, 9),
    flag_note=words,
    links=st.lists(st.builds(Link, words, st.just("https://arxiv.org/pdf/1")), max_size=8).map(tuple),
    review_label=words,
    quotes=st.lists(st.builds(Quote, words, words), max_size=8).map(tuple),
    grades=words,
    menu=st.lists(st.builds(Button, st.sampled_from(list(ButtonAction)), words, words), max_size=8).map(
        tuple
    ),
    short_title=words,
    brief=words,
    brief_limitation=words,
    brief_links=st.lists(st.builds(Link, words, st.just("https://arxiv.org/pdf/1")), max_size=8).map(tuple),
    warnings=st.lists(words, max_size=2).map(tuple),
    review_line=words,
    reason=words,
)
a_button = st.builds(
    Button,
    st.sampled_from([one for one in ButtonAction if one is not ButtonAction.DISCUSS]),
    words,
    words,
    st.booleans(),
)
kinds: st.SearchStrategy[Block] = st.one_of(
    cards,
    st.builds(Heading, words),
    st.builds(Text, words, st.booleans()),
    st.builds(Divider),
    st.builds(Buttons, st.lists(a_button, max_size=30).map(tuple)),
    st.builds(
        OptionRow,
        words,
        a_button,
        st.lists(a_button, max_size=6).map(tuple),
        people=st.lists(st.sampled_from(["UADA", "<!channel>", "x|y", ""]), max_size=6).map(tuple),
        more_people=words,
        note=words,
        note_target=st.sampled_from([None, MessageReference(Channel("slack", "C1", "T1"), "1.2")]),
    ),
    st.builds(Links, st.lists(st.builds(Link, words, words), max_size=9).map(tuple)),
)
blocks = st.lists(kinds, max_size=8)


def number_cards(blocks: list[Block]) -> tuple[Block, ...]:
    """Each card with an id and an address of its own."""
    fresh = iter(range(1, 100))

    def number_card(card: Card) -> Card:
        number = next(fresh)
        parts = {name: getattr(card, name) for name in Card.__slots__}
        return Card(**{**parts, "paper": f"paper-{number}", "url": f"https://arxiv.org/abs/{number}"})

    return tuple(number_card(block) if isinstance(block, Card) else block for block in blocks)


@given(summary=words, blocks=blocks.map(number_cards), style=st.sampled_from(list(DigestStyle)))
@settings(max_examples=60, deadline=None)
def test_any_message_keeps_every_rule(summary: str, blocks: tuple[Block, ...], style: DigestStyle) -> None:
    check_all(Message(summary, blocks), style)


def test_a_paper_of_the_queue_names_people_and_links_to_the_message_that_showed_it() -> None:
    target = MessageReference(Channel("slack", "C1", "T1"), "1.2")
    row = OptionRow(
        "1. KTO & friends", Button(ButtonAction.FINISH_DISCUSSION, "Done", "p1"),
        menu=(Button(ButtonAction.POSTPONE, "Postpone for a week", "p1"),), number=1,
        people=("UADA", "<!channel>"), more_people="2 <!here>",
        note="discussed on Mon 9 Nov", note_target=target,
    )  # fmt: skip
    (page,) = check_all(Message("2 to discuss", (row,)), DigestStyle.COMPACT)
    (block,) = page.payload["blocks"]
    assert block["text"]["text"].startswith("1. KTO &amp; friends: <@UADA>, 2 ")
    assert block["text"]["text"].endswith(f" · <{MESSAGE_ADDRESS}|discussed on Mon 9 Nov>")
    values = [option["value"] for option in block["accessory"]["options"]]
    assert values == ["discussed:p1", "postpone:p1"]
