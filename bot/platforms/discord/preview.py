"""Drawing of Discord's content, embeds and buttons on the preview page."""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from bot.chat.port import Page
from bot.platforms.discord.buttons import SELECT
from bot.platforms.preview import PagePreview, render_button, render_link

EMBED_RULE = (
    ".embed { border-left: 4px solid; border-radius: 4px; background: var(--embed); "
    "padding: .55rem .75rem; margin: .3rem 0; }"
)


def _render_body(page: Page) -> str:
    payload = page.payload
    content = _render_markdown(payload.get("content") or "")
    embeds = "\n".join(_render_embed(embed) for embed in payload.get("embeds", ()))
    buttons = "".join(
        _render_component(item) for row in payload.get("components", ()) for item in row["components"]
    )
    return f"{content}{embeds}<div>{buttons}</div>"


def _render_component(item: Mapping[str, Any]) -> str:
    if item["type"] == SELECT:
        return render_button(f"{item['placeholder']} ▾")
    return render_button(f"{item.get('emoji', {}).get('name', '')} {item.get('label', '')}".strip())


def _render_embed(embed: Mapping[str, Any]) -> str:
    title = _render_inline(embed.get("title", ""))
    heading = f"<h4>{render_link(embed['url'], title) if embed.get('url') else title}</h4>" if title else ""
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


_LINK = re.compile(r"(?<!\\)\[((?:[^\[\]\\]|\\.)*)\]\(<?(https?://[^()\[\s>]+)>?\)")
_INLINE_PATTERNS = {"strong": r"\*\*(.+?)\*\*", "em": r"(?<![\w*])[*_](?=\S)([^*_]+?)(?<=\S)[*_](?![\w*])"}


def _render_inline(text: str) -> str:
    stashed: list[str] = []

    def stash_markup(markup: str) -> str:
        stashed.append(markup)
        return f"\ue000{len(stashed) - 1}\ue001"

    text = _LINK.sub(lambda found: stash_markup(render_link(found[2], _render_inline(found[1]))), text)
    text = re.sub(r"\\([^\w\s])", lambda found: stash_markup(escape(found[1])), text)
    text = escape(text, quote=False)
    for tag, mark in _INLINE_PATTERNS.items():
        text = re.sub(mark, rf"<{tag}>\1</{tag}>", text)
    return re.sub("\ue000(\\d+)\ue001", lambda found: stashed[int(found[1])], text)


PREVIEW = PagePreview(
    render_body=_render_body,
    column=2,
    light="--discord: #ffffff; --embed: #f5f6f8;",
    dark="--discord: #2f3136; --embed: #26282c;",
    has_round_face=True,
    rules=EMBED_RULE,
)
