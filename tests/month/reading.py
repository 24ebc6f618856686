"""Messages of both platforms as the Markdown of a transcript: the text and the buttons that a person sees."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """A person of a team, who reads messages in the team's time zone.

    `names` are those of people, by their ids.
    """

    zone: ZoneInfo
    names: Mapping[str, str] = field(default_factory=dict)

    def name_person(self, person: str) -> str:
        return f"@{self.names.get(person, person)}"

    def format_instant(self, seconds: str) -> str:
        local = datetime.fromtimestamp(int(seconds), self.zone)
        return f"{local:%A} {local.day} {local:%B %Y} {local:%H:%M}"


# Slack.


def read_slack_message(message: Json, reader: Reader) -> list[str]:
    """Return the lines of a message of Slack."""
    return [line for block in message.get("blocks", []) for line in _read_block(block, reader)]


def _read_block(block: Json, reader: Reader) -> Iterator[str]:
    match block["type"]:
        case "header":
            yield f"**{block['text']['text']}**"
        case "section":
            yield from _read_text(block["text"], reader)
            if accessory := block.get("accessory"):
                yield from _read_elements([accessory])
        case "context":
            for element in block["elements"]:
                yield from (f"_{line}_" for line in _read_text(element, reader))
        case "actions" | "context_actions":
            yield from _read_elements(block["elements"])
        case "container":
            yield f"▸ {block['title']['text']}"
        case "image":
            yield f"🖼 _{block['alt_text']}_"
        case "divider":
            pass
        case other:
            raise AssertionError(f"the transcript knows no block of the type {other}")


def _read_text(text: Json, reader: Reader) -> Iterator[str]:
    words = text["text"] if text["type"] == "plain_text" else _read_mrkdwn(text["text"], reader)
    yield from filter(str.strip, words.split("\n"))


def _read_mrkdwn(text: str, reader: Reader) -> str:
    text = re.sub(r"<!date\^(\d+)\^[^>]*>", lambda found: reader.format_instant(found[1]), text)
    text = re.sub(r"<@(\w+)>", lambda found: reader.name_person(found[1]), text)
    text = re.sub(r"<[^<>|]+\|([^<>]*)>", r"\1", text)
    text = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"**\1**", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _read_elements(elements: list[Json]) -> Iterator[str]:
    labels = list[str]()
    for element in elements:
        match element["type"]:
            case "button":
                labels.append(element["text"]["text"])
            case "overflow":
                labels.append("⋯")
            case "static_select":
                labels.append(f"{element['placeholder']['text']} ▾")
            case "feedback_buttons":
                labels += [element[side]["text"]["text"] for side in ("positive_button", "negative_button")]
            case other:
                raise AssertionError(f"the transcript knows no element of the type {other}")
    yield " ".join(f"`{label}`" for label in labels)


# Discord.


def read_discord_message(message: Json, reader: Reader) -> list[str]:
    """Return the lines of a message of Discord."""
    lines = list(_read_markdown(message.get("content") or "", reader))
    for embed in message.get("embeds", []):
        lines += [f"**{_unescape(embed['title'])}**"] if embed.get("title") else []
        lines += _read_markdown(embed.get("description") or "", reader)
        footer = (embed.get("footer") or {}).get("text", "")
        lines += [f"_{footer}_"] if footer else []
    for row in message.get("components", []):
        lines.append(" ".join(f"`{read_label(each)}`" for each in row["components"]))
    lines += [f"📎 {attached['filename']}" for attached in message.get("attachments", [])]
    return lines


def _read_markdown(text: str, reader: Reader) -> Iterator[str]:
    text = re.sub(r"<t:(\d+):F>", lambda found: reader.format_instant(found[1]), text)
    text = re.sub(r" \(<t:\d+:R>\)", "", text)
    text = re.sub(r"<@(\d+)>", lambda found: reader.name_person(found[1]), text)
    text = re.sub(r"\[((?:\\.|[^\]\\])*)\]\(<?[^()<>]*>?\)", r"\1", text)
    for line in filter(str.strip, text.split("\n")):
        is_small = line.startswith("-# ")
        shown = _unescape(line.removeprefix("-# "))
        yield f"_{shown}_" if is_small else shown


def _unescape(text: str) -> str:
    return re.sub(r"\\(?=[\W_])", "", text)


def read_label(component: Json) -> str:
    """Return the label of a component of Discord, with its emoji."""
    emoji = (component.get("emoji") or {}).get("name", "")
    label = component.get("label") or f"{component.get('placeholder', '')} ▾"
    return f"{emoji} {label}".strip()
