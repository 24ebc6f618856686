"""Updates of a posted page: mark counts on its buttons, and new lines under its cards. Pure."""

from collections.abc import Mapping
from typing import Any

from bot.chat.port import PostUpdate
from bot.platforms.discord.buttons import paper_of_button
from bot.platforms.discord.draft import DESCRIPTION_UNITS, Embed, PageDraft
from bot.platforms.discord.prose import render_small_print
from bot.platforms.discord.sanitize import clip_inline, count_units

UPDATE_UNITS = 150
"""UTF-16 units of the line that an update adds to a paper."""


def apply_post_update(payload: Mapping[str, Any], update: PostUpdate) -> dict[str, Any]:
    """Return a page's payload with mark counts on the papers' buttons and update lines under their cards.

    `payload` is the page as it was first posted, and is not changed. A line that would break a limit is left
    out. All lines are left out if a card has no button, because then a paper's card is not known.
    """
    rows = [
        {**row, "components": [_set_mark_count(button, update.mark_counts) for button in row["components"]]}
        for row in payload["components"]
    ]
    papers = list(filter(None, (paper_of_button(button) for row in rows for button in row["components"])))
    embeds = list(payload["embeds"])
    cards = [place for place, embed in enumerate(embeds) if "title" in embed]
    # A card without a button cannot be matched with its paper, so then no card is changed.
    matches = zip(cards, papers, strict=True) if len(cards) == len(papers) else ()
    for place, paper in matches:
        updated = [*embeds]
        updated[place] = _append_update_line(embeds[place], update.update_lines.get(paper, ""))
        embeds = updated if PageDraft(embeds=tuple(updated)).is_within_limits else embeds
    return {**payload, "embeds": embeds, "components": rows}


def _append_update_line(embed: Embed, update_text: str) -> Embed:
    """Return the embed with the text at the end of its description, if that has room for it."""
    line = render_small_print(clip_inline(update_text, UPDATE_UNITS))
    description = "\n\n".join(filter(None, (embed.get("description", ""), line)))
    return (
        {**embed, "description": description}
        if line and count_units(description) <= DESCRIPTION_UNITS
        else embed
    )


def _set_mark_count(button: Mapping[str, Any], mark_counts: Mapping[str, int]) -> Mapping[str, Any]:
    """Return the button with the mark count of its paper in the label; unchanged for no marks."""
    count = mark_counts.get(paper_of_button(button), 0)
    return {**button, "label": f"{button['label']} · {count:,}"} if count else button
