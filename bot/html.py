"""A digest as one self-contained page: how it will look in Slack and in Discord, side by side, light and dark."""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape, unescape
from importlib.resources import files
from typing import Any

from bot.message import Message
from bot.platforms import Page
from bot.present import digest_message
from bot.preview import pages_for
from digests.model import Digest, Style


def digest_page(digest: Digest) -> str:
    """The page for one digest."""
    return message_page(digest_message(digest), digest.wish.style)


def message_page(message: Message, style: Style) -> str:
    """The page for any message, made from the very payloads that would be posted."""
    template = files("bot").joinpath("preview.html").read_text(encoding="utf-8")
    parts = {
        "title": escape(message.summary[:120]),
        "slack": "\n".join(_slack_message(page) for page in pages_for(message, "slack", style)),
        "discord": "\n".join(_discord_message(page) for page in pages_for(message, "discord", style)),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


# Slack


def _slack_message(page: Page) -> str:
    blocks = "\n".join(_slack_block(block) for block in page.payload["blocks"])
    return _message("slack", page.in_thread, blocks)


def _message(platform: str, in_thread: bool, body: str) -> str:
    thread = " in-thread" if in_thread else ""
    name = '<p class="who"><b>Paperround</b> <span class="app">APP</span> <span class="when">9:00</span></p>'
    return (
        f'<article class="message {platform}{thread}"><i class="face">P</i><div>{name}{body}</div></article>'
    )


def _slack_block(block: Mapping[str, Any]) -> str:
    match block["type"]:
        case "header":
            return f"<h3>{escape(block['text']['text'])}</h3>"
        case "divider":
            return "<hr>"
        case "section":
            texts = [block["text"]] if "text" in block else block["fields"]
            accessory = _button(block["accessory"]["text"]["text"]) if "accessory" in block else ""
            words = "".join(f"<p>{_slack_text(text)}</p>" for text in texts)
            return f'<div class="section"><div>{words}</div>{accessory}</div>'
        case "context":
            return "".join(f'<p class="small">{_slack_text(text)}</p>' for text in block["elements"])
        case "actions":
            return "".join(_button(element["text"]["text"]) for element in block["elements"])
        case other:
            raise ValueError(f"the preview does not know Slack's {other!r} block")


def _button(label: str) -> str:
    return f'<span class="button">{escape(label)}</span>'


def _slack_text(text: Mapping[str, Any]) -> str:
    if text["type"] == "plain_text":
        return _lines(escape(text["text"]))
    return _lines(_mrkdwn(text["text"]))


def _lines(markup: str) -> str:
    return markup.replace("\n", "<br>")


_SLACK_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]*)>")
_SLACK_BOLD = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
_SLACK_ITALIC = re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])")


def _mrkdwn(text: str) -> str:
    """Slack's markup as HTML. Entities in it are HTML's own three; links are put aside so that no mark in them counts."""
    links: list[str] = []

    def put_aside(found: re.Match[str]) -> str:
        links.append(_link(unescape(found[1]), escape(unescape(found[2]))))
        return f"\ue000{len(links) - 1}\ue001"

    text = _SLACK_LINK.sub(put_aside, text)
    text = escape(unescape(text), quote=False)
    text = _SLACK_ITALIC.sub(r"<em>\1</em>", _SLACK_BOLD.sub(r"<strong>\1</strong>", text))
    return re.sub("\ue000(\\d+)\ue001", lambda found: links[int(found[1])], text)


def _link(url: str, label: str) -> str:
    safe = url if url.startswith(("https://", "http://")) else "#"
    return f'<a href="{escape(safe)}">{label}</a>'


# Discord


def _discord_message(page: Page) -> str:
    payload = page.payload
    content = _markdown(payload.get("content") or "")
    embeds = "\n".join(_embed(embed) for embed in payload.get("embeds", ()))
    buttons = "".join(
        _button(f"{item.get('emoji', {}).get('name', '')} {item.get('label', '')}".strip())
        for row in payload.get("components", ())
        for item in row["components"]
    )
    return _message("discord", page.in_thread, f"{content}{embeds}<div>{buttons}</div>")


def _embed(embed: Mapping[str, Any]) -> str:
    title = _inline(embed.get("title", ""))
    heading = f"<h4>{_link(embed['url'], title) if embed.get('url') else title}</h4>" if title else ""
    fields = "".join(
        f"<h5>{_inline(field['name'])}</h5>{_markdown(field['value'])}" for field in embed.get("fields", ())
    )
    footer = f'<p class="small">{escape(embed["footer"]["text"])}</p>' if embed.get("footer") else ""
    author = f'<p class="small">{escape(embed["author"]["name"])}</p>' if embed.get("author") else ""
    colour = f"#{embed.get('color', 0x8888AA):06x}"
    words = _markdown(embed.get("description", ""))
    return f'<div class="embed" style="border-color:{colour}">{author}{heading}{words}{fields}{footer}</div>'


def _markdown(text: str) -> str:
    """Discord's markdown as HTML, line by line."""
    return "".join(_markdown_lines(text.split("\n"))) if text else ""


def _markdown_lines(lines: Sequence[str]) -> Iterable[str]:
    for line in lines:
        if found := re.match(r"#{1,3} (.*)", line):
            yield f"<h3>{_inline(found[1])}</h3>"
        elif line.startswith("-# "):
            yield f'<p class="small">{_inline(line[3:])}</p>'
        elif found := re.match(r"[-*] (.*)", line):
            yield f'<p class="point">• {_inline(found[1])}</p>'
        elif line.startswith("> "):
            yield f"<blockquote>{_inline(line[2:])}</blockquote>"
        else:
            yield f"<p>{_inline(line)}</p>" if line.strip() else '<p class="gap"></p>'


_DISCORD_LINK = re.compile(r"(?<!\\)\[((?:[^\]\\]|\\.)*)\]\(<?(https?://[^)\s>]+)>?\)")
_MARKS = {"strong": r"\*\*(.+?)\*\*", "em": r"(?<![\w*])[*_](?=\S)([^*_]+?)(?<=\S)[*_](?![\w*])"}


def _inline(text: str) -> str:
    kept: list[str] = []

    def put_aside(markup: str) -> str:
        kept.append(markup)
        return f"\ue000{len(kept) - 1}\ue001"

    text = _DISCORD_LINK.sub(lambda found: put_aside(_link(found[2], _inline(found[1]))), text)
    text = re.sub(r"\\([^\w\s])", lambda found: put_aside(escape(found[1])), text)
    text = escape(text, quote=False)
    for tag, mark in _MARKS.items():
        text = re.sub(mark, rf"<{tag}>\1</{tag}>", text)
    return re.sub("\ue000(\\d+)\ue001", lambda found: kept[int(found[1])], text)
