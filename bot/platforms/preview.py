"""The contract of a platform's drawing on the preview page, and pieces of HTML that the drawings share."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from bot.chat.port import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePreview:
    """The drawing of one platform's messages. The platform's name is the CSS class around each of them.

    `render_body` returns a message's content as HTML, from the payload that would be posted. `column` orders
    the platforms, the lowest first. `light` and `dark` define CSS variables, among them the background
    `--NAME`. `has_round_face` draws the sender's picture as a circle. `rules` are CSS rules for elements that
    only this platform draws.
    """

    render_body: Callable[[Page], str]
    column: int
    light: str
    dark: str
    has_round_face: bool = False
    rules: str = ""


def render_button(label: str) -> str:
    """Return a button as HTML. The label is escaped."""
    return f'<span class="button">{escape(label)}</span>'


def render_link(url: str, label_markup: str) -> str:
    """Return a link as HTML around `label_markup`, which is HTML already. The address is escaped.

    An address that is not http(s) leads nowhere.
    """
    safe_url = url if url.startswith(("https://", "http://")) else "#"
    return f'<a href="{escape(safe_url)}">{label_markup}</a>'
