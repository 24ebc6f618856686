"""Drawing of Slack's blocks on the preview page."""

import re
from collections.abc import Mapping
from html import escape, unescape
from typing import Any

from bot.chat.port import Page
from bot.platforms.preview import PagePreview, render_button, render_link


def _render_body(page: Page) -> str:
    return "\n".join(_render_block(block) for block in page.payload["blocks"])


def _render_block(block: Mapping[str, Any]) -> str:
    match block["type"]:
        case "header":
            return f"<h3>{escape(block['text']['text'])}</h3>"
        case "divider":
            return "<hr>"
        case "section":
            texts = [block["text"]] if "text" in block else block["fields"]
            accessory = _render_element(block["accessory"]) if "accessory" in block else ""
            words = "".join(f"<p>{_render_text(text)}</p>" for text in texts)
            return f'<div class="section"><div>{words}</div>{accessory}</div>'
        case "context":
            return "".join(f'<p class="small">{_render_text(text)}</p>' for text in block["elements"])
        case "actions":
            return "".join(map(_render_element, block["elements"]))
        case "context_actions":
            (pair,) = block["elements"]
            signs = (("👍", pair["positive_button"]), ("👎", pair["negative_button"]))
            return "".join(render_button(f"{sign} {button['text']['text']}") for sign, button in signs)
        case "container":
            title, body = escape(block["title"]["text"]), "\n".join(map(_render_block, block["child_blocks"]))
            return f"<details><summary>{title}</summary>{body}</details>"
        case other:
            raise ValueError(f"the preview does not know Slack's {other!r} block")


def _render_element(element: Mapping[str, Any]) -> str:
    if element["type"] == "static_select":
        return render_button(f"{element['placeholder']['text']} ▾")
    if element["type"] == "overflow":
        return render_button("⋯")
    return render_button(element["text"]["text"])


def _render_text(text: Mapping[str, Any]) -> str:
    if text["type"] == "plain_text":
        return _break_lines(escape(text["text"]))
    return _break_lines(_render_mrkdwn(text["text"]))


def _break_lines(markup: str) -> str:
    return markup.replace("\n", "<br>")


_LINK = re.compile(r"<(https?://[^|<>]+)\|([^<>]*)>")
_BOLD = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
_ITALIC = re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])")


def _render_mrkdwn(text: str) -> str:
    """Convert Slack's markup to HTML. Links are put aside first, so that no mark inside them counts."""
    links: list[str] = []

    def stash_link(found: re.Match[str]) -> str:
        links.append(render_link(unescape(found[1]), escape(unescape(found[2]))))
        return f"\ue000{len(links) - 1}\ue001"

    text = _LINK.sub(stash_link, text)
    text = escape(unescape(text), quote=False)
    text = _ITALIC.sub(r"<em>\1</em>", _BOLD.sub(r"<strong>\1</strong>", text))
    return re.sub("\ue000(\\d+)\ue001", lambda found: links[int(found[1])], text)


RULES = (
    ".slack .small + .section { margin-top: .5rem; }\n"
    "  .slack details { border: 1px solid var(--rule); border-radius: 8px; padding: .25rem .6rem; "
    "margin: .3rem 0; }\n"
    "  .slack summary { cursor: pointer; font-size: .85rem; font-weight: 600; }\n"
    "  .slack details .section { padding: .3rem 0; }"
)

PREVIEW = PagePreview(
    render_body=_render_body,
    column=1,
    light="--slack: #ffffff;",
    dark="--slack: #1a1d21;",
    rules=RULES,
)
