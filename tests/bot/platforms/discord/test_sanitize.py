"""Untrusted text reads as it was written and is nothing but text to Discord."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.platforms.discord.sanitize import escape_inline, escape_plain, render_link, to_safe_url
from tests.bot.platforms.discord.markdown import Construct, constructs, kinds

NASTY = [
    *"\\*_~|`[]()<>#-+@:!.&/123 ",
    *(
        "\n",
        "\r\n",
        "\u2028",
        "\t",
        "\x00",
        "\x1b",
        "\u200b",
        "\u200d",
        "\u202e",
        "\ud800",
        "\ufeff",
        "\u1fef",
    ),
    *(
        "**",
        "__",
        "~~",
        "||",
        "```",
        "``",
        "***",
        "a",
        "word",
        "_x_",
        "1.",
        "2)",
        "# ",
        "-# ",
        "> ",
        ">>> ",
        "- ",
    ),
    *(
        "@everyone",
        "@here",
        "<@123>",
        "<@!123>",
        "<@&123>",
        "<#123>",
        "</ban:123>",
        "<:e:1>",
        "<a:e:1>",
        "<id:guide>",
    ),
    *(
        "<t:1618953630:R>",
        ":smile:",
        ":+1:",
        "http://",
        "https://",
        "steam://",
        "www.",
        "evil.example",
        "discord.gg/x",
    ),
    *(
        "discord.com/invite/x",
        "[x](https://evil.example)",
        "](",
        "<https://evil.example>",
        "mailto:a@b.c",
        "é",
        "日本",
        "🔥",
    ),
]
nasty_text = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=3)), max_size=14).map("".join)
CONTEXTS = ["{}", "before {}", "{} after", "a\n{}\nb", "before {} between {} after", "({})", "a · {} · b"]


def test_markup_from_outside_is_escaped_and_a_mention_taken_apart() -> None:
    assert escape_inline("@everyone *bold*") == "@\u200beveryone \\*bold\\*"


@given(nasty_text)
@settings(max_examples=150, deadline=None)
def test_untrusted_text_stays_plain_text(text: str) -> None:
    for context in CONTEXTS:
        assert constructs(context.replace("{}", escape_inline(text))) == []


@given(nasty_text)
@settings(max_examples=150, deadline=None)
def test_our_markup_around_untrusted_text_stays_intact(text: str) -> None:
    if inside := escape_inline(text):
        assert constructs(f"**{inside}**") == [Construct("bold", inside)]
        assert constructs(f"- {inside}") == [Construct("list item", "-")]
        assert constructs(f"-# {inside}") == [Construct("small print", "-#")]


@given(nasty_text)
@settings(max_examples=150, deadline=None)
def test_plain_text_never_pings_or_links(text: str) -> None:
    seen = kinds(escape_plain(text))
    assert not seen & {
        "everyone",
        "mention",
        "invitation",
        "autolink",
        "shortcode",
        "command",
        "timestamp",
        "custom emoji",
    }


@given(nasty_text)
@settings(max_examples=150, deadline=None)
def test_sanitized_text_is_one_valid_line(text: str) -> None:
    for written in (escape_inline(text), escape_plain(text)):
        assert len(written.splitlines()) <= 1
        written.encode("utf-8")


@given(nasty_text, nasty_text)
@settings(max_examples=150, deadline=None)
def test_a_link_leads_only_to_its_address(label: str, path: str) -> None:
    url = "https://arxiv.org/abs/" + path
    seen = (
        [seen for seen in constructs(render_link(label, url)) if seen.kind != "invitation"]
        if escape_inline(label)
        else []
    )
    assert seen in ([], [Construct("masked link", to_safe_url(url))])


def as_read(written: str) -> str:
    """Return the text that a person sees, without escapes and zero-width spaces."""
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", written).replace("\u200b", "")


@pytest.mark.parametrize(
    "text",
    [
        "AlpacaEval_2.0",
        "a*b",
        "x_1 and x_2",
        "C++ & C#",
        "O(n²) ≤ 2·10⁻³",
        "1. First",
        "#1 of 10",
        "- 3 dB",
        "a\\b",
        "see https://a.example/x_y",
        "@everyone",
        ":smile:",
        "<@123>",
        "f: X → Y",
        "¯\\_(ツ)_/¯",
        "2024-11-24",
        "`id`",
    ],
)
def test_readers_see_the_original_text(text: str) -> None:
    assert as_read(escape_inline(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "Attention is all you need",
        "C++ & C#: a study (2024)",
        "3,5 % – “quoted”",
        "שלום עולם",
        "注意力机制",
        "👩‍🔬 in labs",
    ],
)
def test_ordinary_text_is_unchanged(text: str) -> None:
    assert escape_inline(text) == escape_plain(text) == text


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u200d", "\ud800", "\u3164\u2800", "\ufe0f"])
def test_invisible_text_is_empty(text: str) -> None:
    assert escape_inline(text) == escape_plain(text) == ""


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://arxiv.org/abs/2401.00001v2", "https://arxiv.org/abs/2401.00001v2"),
        ("https://a.example/x(1) <y>?q=a_b#c", "https://a.example/x%281%29%20%3Cy%3E?q=a_b#c"),
        ("https://a.example/%28é\\", "https://a.example/%28%C3%A9%5C"),
        ("https://a.example/\ud800x", "https://a.example/x"),
        ("javascript:alert(1)", ""),
        ("javascript://a.example/%0aalert(1)", ""),
        ("https://arxiv.org@evil.example/", ""),
        ("https://[::1", ""),
        ("//a.example", ""),
        ("data:text/html,x", ""),
        ("https://a.example/" + "x" * 2048, ""),
        ("", ""),
    ],
)
def test_only_web_addresses_become_links(url: str, safe: str) -> None:
    assert to_safe_url(url) == safe


def test_a_label_that_looks_like_an_address_is_beside_its_link() -> None:
    assert render_link("[x](y)", "https://a.example") == r"\[x\](y) · [open](https://a.example)"
    assert (
        render_link("visit evil.example", "https://a.example")
        == "visit evil.example · [open](https://a.example)"
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("**b**", "bold"), ("*i*", "italic"), ("_i_", "italic"), ("__u__", "underline"), ("~~s~~", "strike"),
        ("||s||", "spoiler"), ("`c`", "code"), ("```c```", "fence"), ("# h", "heading"), ("- # h", "heading"),
        ("-# s", "small print"), ("> q", "quote"), ("- l", "list item"), ("1. l", "list item"),
        ("[x](https://e)", "masked link"), ("a https://e", "autolink"),
        ("<https://e>", "address in brackets"),
        ("<@1>", "mention"), ("\\<@1>", "mention"), ("<@&1>", "mention"), ("<#1>", "mention"),
        ("\\@here", "everyone"),
        ("<t:1:R>", "timestamp"), ("</a b:1>", "command"), ("<a:x:1>", "custom emoji"), (":x:", "shortcode"),
        ("<id:guide>", "navigation"), ("discord.gg/x", "invitation"),
        ("https://\u200bevil.example", "autolink"),
    ],
)  # fmt: skip
def test_the_reader_of_these_tests_sees_every_construct(text: str, kind: str) -> None:
    assert kind in kinds(text)


@pytest.mark.parametrize(
    "text", [r"\*\*b\*\*", r"\_i\_", r"\# h", r"\- l", r"1\. l", r"https\://e", r"\:x:", r"\[x\](y)"]
)
def test_the_reader_of_these_tests_honours_escapes(text: str) -> None:
    assert constructs(text) == []
