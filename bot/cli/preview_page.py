"""A digest as one self-contained page: Slack and Discord side by side, light and dark."""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape, unescape
from importlib.resources import files
from typing import Any

from bot.chat.message import Message
from bot.chat.port import Page
from bot.platforms.registry import render_pages
from bot.present.digest import present_digest
from digests.model import Digest
from digests.subscription import DigestStyle


def render_digest_page(digest: Digest) -> str:
    """Return the page for one digest."""
    return render_message_page(present_digest(digest), digest.preferences.style)


def render_message_page(message: Message, style: DigestStyle) -> str:
    """Return the page for a message, built from the payloads that would be posted."""
    template = files("bot.cli").joinpath("preview.html").read_text(encoding="utf-8")
    parts = {
        "title": escape(message.summary[:120]),
        "slack": "\n".join(_render_slack_message(page) for page in render_pages(message, "slack", style)),
        "discord": "\n".join(
            _render_discord_message(page) for page in render_pages(message, "discord", style)
        ),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


# Slack


def _render_slack_message(page: Page) -> str:
    blocks = "\n".join(_render_slack_block(block) for block in page.payload["blocks"])
    return _render_article("slack", page.in_thread, blocks)


def _render_article(platform: str, in_thread: bool, body: str) -> str:
    thread = " in-thread" if in_thread else ""
    name = '<p class="who"><b>Paperround</b> <span class="app">APP</span> <span class="when">9:00</span></p>'
    return (
        f'<article class="message {platform}{thread}"><i class="face">P</i><div>{name}{body}</div></article>'
    )


def _render_slack_block(block: Mapping[str, Any]) -> str:
    match block["type"]:
        case "header":
            return f"<h3>{escape(block['text']['text'])}</h3>"
        case "divider":
            return "<hr>"
        case "section":
            texts = [block["text"]] if "text" in block else block["fields"]
            accessory = _render_button(block["accessory"]["text"]["text"]) if "accessory" in block else ""
            words = "".join(f"<p>{_render_slack_text(text)}</p>" for text in texts)
            return f'<div class="section"><div>{words}</div>{accessory}</div>'
        case "context":
            return "".join(f'<p class="small">{_render_slack_text(text)}</p>' for text in block["elements"])
        case "actions":
            return "".join(_render_button(element["text"]["text"]) for element in block["elements"])
        case other:
            raise ValueError(f"the preview does not know Slack's {other!r} block")


def _render_button(label: str) -> str:
    return f'<span class="button">{escape(label)}</span>'


def _render_slack_text(text: Mapping[str, Any]) -> str:
    if text["type"] == "plain_text":
        return _break_lines(escape(text["text"]))
    return _break_lines(_render_mrkdwn(text["text"]))


def _break_lines(markup: str) -> str:
    return markup.replace("\n", "<br>")


_SLACK_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]*)>")
_SLACK_BOLD = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
_SLACK_ITALIC = re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])")


def _render_mrkdwn(text: str) -> str:
    """Convert Slack's markup to HTML. Links are put aside first, so that no mark inside them counts."""
    links: list[str] = []

    def stash_link(found: re.Match[str]) -> str:
        links.append(_render_link(unescape(found[1]), escape(unescape(found[2]))))
        return f"\ue000{len(links) - 1}\ue001"

    text = _SLACK_LINK.sub(stash_link, text)
    text = escape(unescape(text), quote=False)
    text = _SLACK_ITALIC.sub(r"<em>\1</em>", _SLACK_BOLD.sub(r"<strong>\1</strong>", text))
    return re.sub("\ue000(\\d+)\ue001", lambda found: links[int(found[1])], text)


def _render_link(url: str, label: str) -> str:
    safe = url if url.startswith(("https://", "http://")) else "#"
    return f'<a href="{escape(safe)}">{label}</a>'


# Discord


def _render_discord_message(page: Page) -> str:
    payload = page.payload
    content = _render_markdown(payload.get("content") or "")
    embeds = "\n".join(_render_embed(embed) for embed in payload.get("embeds", ()))
    buttons = "".join(
        _render_button(f"{item.get('emoji', {}).get('name', '')} {item.get('label', '')}".strip())
        for row in payload.get("components", ())
        for item in row["components"]
    )
    return _render_article("discord", page.in_thread, f"{content}{embeds}<div>{buttons}</div>")


def _render_embed(embed: Mapping[str, Any]) -> str:
    title = _render_inline(embed.get("title", ""))
    heading = f"<h4>{_render_link(embed['url'], title) if embed.get('url') else title}</h4>" if title else ""
    fields = "".join(
        f"<h5>{_render_inline(field['name'])}</h5>{_render_markdown(field['value'])}"
        for field in embed.get("fields", ())
    )
    footer = f'<p class="small">{escape(embed["footer"]["text"])}</p>' if embed.get("footer") else ""
    author = f'<p class="small">{escape(embed["author"]["name"])}</p>' if embed.get("author") else ""
    colour = f"#{embed.get('color', 0x8888AA):06x}"
    words = _render_markdown(embed.get("description", ""))
    return f'<div class="embed" style="border-color:{colour}">{author}{heading}{words}{fields}{footer}</div>'


def _render_markdown(text: str) -> str:
    """Convert Discord's markdown to HTML, line by line."""
    return "".join(_render_markdown_lines(text.split("\n"))) if text else ""


def _render_markdown_lines(lines: Sequence[str]) -> Iterable[str]:
    for line in lines:
        if found := re.match(r"#{1,3} (.*)", line):
            yield f"<h3>{_render_inline(found[1])}</h3>"
        elif line.startswith("-# "):
            yield f'<p class="small">{_render_inline(line[3:])}</p>'
        elif found := re.match(r"[-*] (.*)", line):
            yield f'<p class="point">• {_render_inline(found[1])}</p>'
        elif line.startswith("> "):
            yield f"<blockquote>{_render_inline(line[2:])}</blockquote>"
        else:
            yield f"<p>{_render_inline(line)}</p>" if line.strip() else '<p class="gap"></p>'


_DISCORD_LINK = re.compile(r"(?<!\\)\[((?:[^\]\\]|\\.)*)\]\(<?(https?://[^)\s>]+)>?\)")
_INLINE_PATTERNS = {"strong": r"\*\*(.+?)\*\*", "em": r"(?<![\w*])[*_](?=\S)([^*_]+?)(?<=\S)[*_](?![\w*])"}


def _render_inline(text: str) -> str:
    stashed: list[str] = []

    def stash_markup(markup: str) -> str:
        stashed.append(markup)
        return f"\ue000{len(stashed) - 1}\ue001"

    text = _DISCORD_LINK.sub(
        lambda found: stash_markup(_render_link(found[2], _render_inline(found[1]))), text
    )
    text = re.sub(r"\\([^\w\s])", lambda found: stash_markup(escape(found[1])), text)
    text = escape(text, quote=False)
    for tag, mark in _INLINE_PATTERNS.items():
        text = re.sub(mark, rf"<{tag}>\1</{tag}>", text)
    return re.sub("\ue000(\\d+)\ue001", lambda found: stashed[int(found[1])], text)
