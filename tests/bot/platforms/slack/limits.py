"""Strict checks of Slack's limits, written from its documentation and not from the renderer.

`check_page` rejects every key that Slack does not know. `read` is a small reader of mrkdwn that finds
formatting even beside a zero-width space, as Slack does.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


def check_page(payload: Json, *, allowed_urls: Collection[str], edited: bool = False) -> None:
    """Raise AssertionError unless Slack takes the page, and nothing in it is cut, live or linked elsewhere.

    A page as it is posted leaves room for what an edit adds.
    """
    json.dumps(payload, ensure_ascii=False).encode()
    _check_keys(payload, {"text", "blocks", "unfurl_links", "unfurl_media"})
    assert payload["unfurl_links"] is False
    assert payload["unfurl_media"] is False
    _check_length(payload["text"], 1, 3000)
    _check_markup(payload["text"], ())
    assert isinstance(payload["blocks"], list)
    total_blocks = sum(1 + len(block.get("child_blocks", ())) for block in payload["blocks"])
    assert 1 <= total_blocks <= (50 if edited else 45), f"{total_blocks} blocks"
    for block in payload["blocks"]:
        _check_block(block, allowed_urls)
    block_ids = [block["block_id"] for block in payload["blocks"] if "block_id" in block]
    assert len(set(block_ids)) == len(block_ids), "block_ids are unique in a message"
    for block_id in block_ids:
        _check_length(block_id, 1, 255)
    total = sum(_count_characters(text["text"]) for text in find_texts(payload))
    assert total <= (13_000 if edited else 10_000), f"{total} characters in all"


def _check_block(block: Json, allowed_urls: Collection[str]) -> None:
    match block["type"]:
        case "divider":
            _check_keys(block, {"type"})
        case "header":
            _check_keys(block, {"type", "text"})
            assert block["text"]["type"] == "plain_text"
            _check_text(block["text"], 150)
        case "section":
            _check_keys(block, {"type", "text"}, optional={"accessory", "block_id"})
            _check_text(block["text"], 3000, allowed_urls)
            if "accessory" in block:
                if block["accessory"]["type"] == "overflow":
                    _check_overflow(block["accessory"])
                else:
                    _check_button(block["accessory"])
        case "context":
            _check_keys(block, {"type", "elements"}, optional={"block_id"})
            assert 1 <= len(block["elements"]) <= 10
            for element in block["elements"]:
                _check_text(element, 2000, allowed_urls)
        case "actions":
            _check_keys(block, {"type", "elements"})
            assert 1 <= len(block["elements"]) <= 25
            action_ids = [button["action_id"] for button in block["elements"]]
            assert len(set(action_ids)) == len(action_ids)
            for element in block["elements"]:
                match element["type"]:
                    case "static_select":
                        _check_select(element)
                    case "overflow":
                        _check_overflow(element)
                    case _:
                        _check_button(element)
        case "context_actions":
            _check_keys(block, {"type", "elements"})
            (pair,) = block["elements"]
            _check_keys(pair, {"type", "action_id", "positive_button", "negative_button"})
            assert pair["type"] == "feedback_buttons"
            _check_length(pair["action_id"], 1, 255)
            for button in (pair["positive_button"], pair["negative_button"]):
                _check_keys(button, {"text", "value"})
                _check_text(button["text"], 75)
                _check_length(button["value"], 1, 2000)
        case "container":
            _check_keys(block, {"type", "title", "child_blocks", "is_collapsible", "default_collapsed"})
            assert block["title"]["type"] == "plain_text"
            _check_text(block["title"], 150)
            assert block["is_collapsible"] is block["default_collapsed"] is True
            assert 1 <= len(block["child_blocks"]) <= 10
            for child in block["child_blocks"]:
                assert child["type"] in ("section", "context", "actions", "divider", "header", "image")
                _check_block(child, allowed_urls)
        case other:
            raise AssertionError(f"a block of type {other}")


def _check_select(select: Json) -> None:
    _check_keys(select, {"type", "action_id", "placeholder", "options"})
    assert select["placeholder"]["type"] == "plain_text"
    _check_text(select["placeholder"], 150)
    _check_length(select["action_id"], 1, 255)
    _check_options(select["options"], 100)


def _check_overflow(menu: Json) -> None:
    _check_keys(menu, {"type", "action_id", "options"})
    _check_length(menu["action_id"], 1, 255)
    _check_options(menu["options"], 5)


def _check_options(options: Any, most: int) -> None:
    assert 1 <= len(options) <= most
    for option in options:
        _check_keys(option, {"text", "value"})
        _check_text(option["text"], 75)
        _check_length(option["value"], 1, 150)


def _check_button(button: Json) -> None:
    _check_keys(button, {"type", "action_id", "text", "value"}, optional={"accessibility_label", "style"})
    assert button["type"] == "button"
    assert button["text"]["type"] == "plain_text"
    _check_text(button["text"], 75)
    _check_length(button["action_id"], 1, 255)
    _check_length(button["value"], 1, 2000)
    if "accessibility_label" in button:
        _check_length(button["accessibility_label"], 1, 75)
        _check_dead(button["accessibility_label"])
    assert button.get("style", "primary") == "primary"


def _check_text(text: Json, limit: int, allowed_urls: Collection[str] = ()) -> None:
    _check_length(text["text"], 1, limit)
    match text["type"]:
        case "plain_text":
            _check_keys(text, {"type", "text", "emoji"})
            assert isinstance(text["emoji"], bool)
            _check_dead(text["text"])
        case "mrkdwn":
            _check_keys(text, {"type", "text", "verbatim"})
            assert text["verbatim"] is True
            _check_markup(text["text"], allowed_urls)
        case other:
            raise AssertionError(f"a text of type {other}")


def _check_markup(markup: str, allowed_urls: Collection[str]) -> None:
    markup = _DATE.sub(r"\1", markup)  # What an old client shows.
    mentions = re.findall("<@[UW][A-Z0-9]+>", markup)
    for mention in mentions:
        assert mention in allowed_urls, f"a mention {mention}"
        markup = markup.replace(mention, "")
    _check_dead(markup)
    assert len(re.findall("&", markup)) == len(re.findall("&(?:amp|lt|gt);", markup)), "an entity is cut"
    rest = _LINK.sub("", markup)
    assert "<" not in rest, "a broken link"
    assert ">" not in rest, "a broken link"
    for url, label in _LINK.findall(markup):
        assert label.strip(), "a link without a name"
        assert url.replace("&amp;", "&") in allowed_urls, f"a link to {url}"


def _check_dead(text: str) -> None:
    assert not re.search(r"<[!@#]|@(everyone|channel|here)", text, re.IGNORECASE), "a ping"
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x09\x0b-\x1f]", text), "an unseen sign"
    assert text.strip(), "a text that is blank"


def _check_keys(part: Json, required: set[str], optional: Collection[str] = ()) -> None:
    assert isinstance(part, dict)
    assert required <= set(part) <= required | set(optional), sorted(part)


def _check_length(text: object, least: int, most: int) -> None:
    assert isinstance(text, str)
    assert least <= _count_characters(text) <= most, (
        f"{_count_characters(text)} characters, of {most}: {text[:60]!r}"
    )


def _count_characters(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def find_texts(part: object) -> Iterable[Json]:
    """Every text object in a payload or a block, in order."""
    if isinstance(part, dict):
        if part.get("type") in ("plain_text", "mrkdwn"):
            yield part
        for value in part.values():
            yield from find_texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from find_texts(value)


_DATE = re.compile(r"<!date\^\d+\^\{date_long_pretty\}, \{time\}\|([^<>|]+)>")
_LINK = re.compile(r"<(https?://[^<>|\s]+)\|([^<>|]+)>")


@dataclass(frozen=True, slots=True)
class Reading:
    """The links, pings and formatting of a piece of mrkdwn."""

    links: tuple[tuple[str, str], ...]
    pings: tuple[str, ...]
    bold: tuple[str, ...]
    italic: tuple[str, ...]
    struck: tuple[str, ...]
    code: tuple[str, ...]
    quotes: tuple[str, ...]
    emoji: tuple[str, ...]


def read(markup: str) -> Reading:
    """The formatting that Slack would show, or might: a doubtful case counts."""
    links = tuple((_unescape(url), _unescape(label)) for url, label in _LINK.findall(markup))
    flat = _LINK.sub(lambda link: link[2], markup)
    return Reading(
        links=links,
        pings=tuple(re.findall(r"<[!@#][^<>]*>", markup)),
        bold=_find_spans("*＊", flat),
        italic=_find_spans("_＿", flat),
        struck=_find_spans("~", flat),
        code=tuple(re.findall(r"[`｀]([^`｀]+)[`｀]", flat)),
        quotes=tuple(re.findall(r"^\s*(?:&gt;|>|＞)(.*)", flat, re.MULTILINE)),
        emoji=tuple(re.findall(r":([^\s:\u200b]+):", flat)),
    )


def _find_spans(marks: str, text: str) -> tuple[str, ...]:
    mark = f"[{marks}]"
    found = re.findall(rf"(?<![^\W_]){mark}(?!\s)([^\n]+?)(?<!\s){mark}(?![^\W_])", text)
    return tuple(_unescape(span) for span in found)


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
