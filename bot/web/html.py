"""HTML that cannot be broken out of: every text is escaped where it is put into an element."""

from collections.abc import Sequence
from html import escape
from itertools import chain

from digests.text import normalize_text

VOID = frozenset({"input", "link", "meta", "br"})
"""Elements without content and end tag."""


class Html(str):
    """Markup that is finished. Any other text is escaped when it becomes the content of an element."""

    __slots__ = ()


Content = str | None | Sequence["Content"]
"""Text, markup, or a sequence of them. None stands for nothing."""


def join_content(*content: Content) -> Html:
    """Return the markup of some content. Texts are one line of visible characters each, and escaped."""
    return Html("".join(map(_render_content, content)))


def _render_content(content: Content) -> str:
    match content:
        case None:
            return ""
        case Html():
            return content
        case str():
            return _escape_text(content)
        case _:
            return "".join(map(_render_content, content))


def _escape_text(text: str) -> str:
    """Escape a text, with white space at its ends kept as one space: it may stand beside an element."""
    inner = normalize_text(text)
    start = " " if inner and text[:1].isspace() else ""
    end = " " if inner and text[-1:].isspace() else ""
    return f"{start}{escape(inner)}{end}"


def tag(element: str, /, *content: Content, **attributes: str | bool | None) -> Html:
    """Build an element. `class_` is the attribute class; False and None leave an attribute out.

    A value of an attribute is escaped. An address must come from us: a scheme is not checked.
    """
    written = chain.from_iterable(
        (
            " ",
            key.rstrip("_").replace("_", "-"),
            "" if value is True else f'="{escape(normalize_text(value))}"',
        )
        for key, value in attributes.items()
        if value is not False and value is not None
    )
    start = f"<{element}{''.join(written)}>"
    return Html(start if element in VOID else f"{start}{join_content(*content)}</{element}>")
