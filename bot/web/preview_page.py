"""A digest as one self-contained page: each platform that can be drawn has a column, light and dark."""

import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files

from bot.chat.message import Message
from bot.chat.port import Page
from bot.platforms.preview import PagePreview
from bot.platforms.registry import PlatformSpec, find_platforms, render_pages
from bot.present.digest import present_digest
from config.settings import Settings
from digests.model import Digest
from digests.subscription import DigestStyle

Column = tuple[PlatformSpec, PagePreview]


def list_columns() -> list[Column]:
    """Return the platforms that can be drawn, with their drawings, from left to right."""
    columns = [(spec, spec.load_preview()) for spec in find_platforms().values() if spec.load_preview]
    return sorted(columns, key=lambda column: column[1].column)


def render_digest_page(
    digest: Digest, settings: Settings | None = None, *, only: str = "", back: str = "", note: str = ""
) -> str:
    """Return the page, as HTML, for one digest in the style of its preferences, under these settings.

    `only` names the one platform to draw, if it can be drawn. `back` is the path of a page to go back to, and
    `note` a sentence beside its link.
    """
    message, style = present_digest(digest), digest.preferences.style
    return render_message_page(message, style, settings, only=only, back=back, note=note)


def render_message_page(
    message: Message,
    style: DigestStyle,
    settings: Settings | None = None,
    *,
    only: str = "",
    back: str = "",
    note: str = "",
) -> str:
    """Return the page, as HTML, for a message. It is built from the payloads that would be posted.

    The default settings hold without `settings`. `only`, `back` and `note` are those of `render_digest_page`.
    """
    template = files("bot.web").joinpath("preview.html").read_text(encoding="utf-8")
    columns = list_columns()
    columns = [column for column in columns if column[0].name == only] or columns
    parts = {
        "title": escape(message.summary[:120]),
        "back": f'<p class="back"><a href="{escape(back)}">← Back</a> {escape(note)}</p>' if back else "",
        "columns": "\n".join(_render_column(column, message, style, settings) for column in columns),
        **_render_styles(columns),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def _render_styles(columns: Sequence[Column]) -> dict[str, str]:
    backgrounds = (f"main > section.{spec.name} {{ background: var(--{spec.name}); }}" for spec, _ in columns)
    round_faces = (
        f".{spec.name} .face {{ border-radius: 50%; }}" for spec, preview in columns if preview.has_round_face
    )
    return {
        "light": " ".join(preview.light for _, preview in columns),
        "dark": " ".join(preview.dark for _, preview in columns),
        "backgrounds": " ".join(backgrounds),
        "faces": "\n  ".join(round_faces),
        "rules": "\n  ".join(preview.rules for _, preview in columns if preview.rules),
    }


def _render_column(column: Column, message: Message, style: DigestStyle, settings: Settings | None) -> str:
    spec, preview = column
    pages = render_pages(message, spec.name, style, settings)
    title = escape(spec.title)
    articles = "\n".join(_render_article(spec.name, page, preview) for page in pages)
    heading = f"<h2># papers - {title}</h2>"
    return f'<section class="{spec.name}" aria-label="{title}">{heading}\n{articles}\n</section>'


def _render_article(platform: str, page: Page, preview: PagePreview) -> str:
    thread = " in-thread" if page.in_thread else ""
    name = '<p class="who"><b>Paperround</b> <span class="app">APP</span> <span class="when">9:00</span></p>'
    content = f"<div>{name}{preview.render_body(page)}</div>"
    return f'<article class="message {platform}{thread}"><i class="face">P</i>{content}</article>'
