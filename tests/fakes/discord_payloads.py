"""What Discord refuses of messages, commands, modals and choices; from its documentation, apart from our renderer."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]
Faults = Iterator[str]

MESSAGE_KEYS = {
    "content", "embeds", "components", "allowed_mentions", "flags", "nonce", "enforce_nonce", "tts",
    "message_reference", "sticker_ids", "attachments", "poll",
}  # fmt: skip
EMBED_LIMITS = {"title": 256, "description": 4096}
MOST_EMBED_CHARACTERS = 6000
V2 = 1 << 15
V2_ONLY = {9, 10, 11, 12, 13, 14, 17}
MOST_COMPONENTS, MOST_V2_TEXT = 40, 4000
NONCE_CHARACTERS = 25


def characters(text: str) -> int:
    return len(text)


def faults_of_message(payload: Json) -> list[str]:
    """Every fault for which Discord would answer 400; empty when it would take the message."""
    return list(_message(payload))


def _message(payload: Json) -> Faults:
    for key in set(payload) - MESSAGE_KEYS:
        yield f"{key}: unknown key"
    content, embeds = payload.get("content") or "", payload.get("embeds") or []
    components = payload.get("components") or []
    if characters(content) > 2000:
        yield "content: must be 2000 or fewer in length"
    if len(str(payload.get("nonce") or "")) > NONCE_CHARACTERS:
        yield "nonce: must be 25 or fewer in length"
    if payload.get("flags", 0) & V2:
        if content or embeds or payload.get("poll") or payload.get("sticker_ids"):
            yield "flags: MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
        yield from _layout(components)
        return
    if not content.strip() and not embeds and not components:
        yield "50006 Cannot send an empty message"
    yield from _embeds(embeds)
    yield from _rows(components)


def _embeds(embeds: Sequence[Json]) -> Faults:
    if len(embeds) > 10:
        yield "embeds: must be 10 or fewer in length"
    total = 0
    for number, embed in enumerate(embeds):
        texts = list(_embed_texts(embed))
        total += sum(characters(text.strip()) for _, text, _ in texts)
        for name, text, limit in texts:
            if characters(text.strip()) > limit:
                yield f"embeds.{number}.{name}: must be {limit} or fewer in length"
        if len(embed.get("fields", [])) > 25:
            yield f"embeds.{number}.fields: must be 25 or fewer in length"
        url = embed.get("url")
        if url is not None and not re.fullmatch(r"https?://\S{1,2040}", url):
            yield f"embeds.{number}.url: not a well formed URL"
        if not 0 <= int(embed.get("color") or 0) <= 0xFFFFFF:
            yield f"embeds.{number}.color: must be at most 16777215"
    if total > MOST_EMBED_CHARACTERS:
        yield "embeds: embed size exceeds maximum size of 6000"


def _embed_texts(embed: Json) -> Iterator[tuple[str, str, int]]:
    for name, limit in EMBED_LIMITS.items():
        yield name, embed.get(name) or "", limit
    yield "footer.text", (embed.get("footer") or {}).get("text", ""), 2048
    yield "author.name", (embed.get("author") or {}).get("name", ""), 256
    for field in embed.get("fields", []):
        yield "fields.name", field["name"], 256
        yield "fields.value", field["value"], 1024


def _rows(rows: Sequence[Json]) -> Faults:
    if len(rows) > 5:
        yield "components: must be between 1 and 5 in length"
    seen: set[str] = set()
    for row in rows:
        if row["type"] in V2_ONLY:
            yield "components: needs the flag IS_COMPONENTS_V2"
        if row["type"] != 1 or not 1 <= len(row.get("components", [])) <= 5:
            yield "components: a row has 1 to 5 components"
        for component in row.get("components", []):
            yield from _interactive(component, seen)


def _interactive(component: Json, seen: set[str]) -> Faults:
    custom_id = component.get("custom_id", "")
    if component["type"] == 2 and component.get("style") == 5:
        if not re.fullmatch(r"(https?|discord)://\S{1,500}", component.get("url") or ""):
            yield "components.url: not a well formed URL"
        return
    if not 1 <= characters(custom_id) <= 100:
        yield "components.custom_id: must be between 1 and 100 in length"
    if custom_id in seen:
        yield f"COMPONENT_CUSTOM_ID_DUPLICATED: {custom_id}"
    seen.add(custom_id)
    if component["type"] == 2:
        if not component.get("label") and not component.get("emoji"):
            yield "components: a button has a label or an emoji"
        if characters(component.get("label") or "") > 80:
            yield "components.label: must be 80 or fewer in length"
        if component.get("style") not in (1, 2, 3, 4):
            yield "components.style: unknown"
    elif component["type"] == 3:
        yield from _options(component)
    elif component["type"] == 4:
        yield from _text_input(component)


def _options(select: Json) -> Faults:
    options = select.get("options", [])
    if not 1 <= len(options) <= 25:
        yield "components.options: must be between 1 and 25 in length"
    if len({option["value"] for option in options}) < len(options):
        yield "components.options: the values are not unique"
    for option in options:
        if not (1 <= characters(option["label"]) <= 100 and 1 <= characters(option["value"]) <= 100):
            yield "components.options: must be between 1 and 100 in length"
        if characters(option.get("description") or "") > 100:
            yield "components.options.description: must be 100 or fewer in length"


def _text_input(box: Json) -> Faults:
    most = box.get("max_length") or 4000
    if not 1 <= most <= 4000 or characters(box.get("value") or "") > most:
        yield "components.value: too long"
    if characters(box.get("placeholder") or "") > 100:
        yield "components.placeholder: must be 100 or fewer in length"


def _layout(components: Sequence[Json]) -> Faults:
    every = [one for component in components for one in _walk(component)]
    if len(every) > MOST_COMPONENTS:
        yield "components: at most 40 in all"
    shown = sum(characters(one.get("content") or "") for one in every if one["type"] == 10)
    if shown > MOST_V2_TEXT:
        yield "components: at most 4000 characters in all"
    seen: set[str] = set()
    for one in every:
        if one["type"] == 9 and not (1 <= len(one.get("components", [])) <= 3 and one.get("accessory")):
            yield "components: a section has 1 to 3 texts and an accessory"
        if one["type"] in (2, 3):
            yield from _interactive(one, seen)


def _walk(component: Json) -> Iterator[Json]:
    yield component
    for inner in [*component.get("components", []), *filter(None, [component.get("accessory")])]:
        yield from _walk(inner)


def faults_of_modal(modal: Json) -> list[str]:
    """The same for a modal."""
    return list(_modal(modal))


def _modal(modal: Json) -> Faults:
    if not 1 <= characters(modal.get("custom_id", "")) <= 100:
        yield "custom_id: must be between 1 and 100 in length"
    if not 1 <= characters(modal.get("title", "")) <= 45:
        yield "title: must be between 1 and 45 in length"
    if not 1 <= len(modal.get("components", [])) <= 5:
        yield "components: must be between 1 and 5 in length"
    seen: set[str] = set()
    for label in modal.get("components", []):
        if label["type"] != 18:
            yield "components: must be labels"
            continue
        if not 1 <= characters(label.get("label") or "") <= 45:
            yield "components.label: must be between 1 and 45 in length"
        if characters(label.get("description") or "") > 100:
            yield "components.description: must be 100 or fewer in length"
        yield from _interactive(label["component"], seen)


def faults_of_commands(commands: Sequence[Json]) -> list[str]:
    """The same for the commands of an application, all of them at once."""
    kinds = [command.get("type", 1) for command in commands]
    faults = ["too many commands"] * (kinds.count(1) > 100 or kinds.count(2) > 15 or kinds.count(3) > 15)
    names = [(command.get("type", 1), command["name"]) for command in commands]
    faults += ["the names are not unique"] * (len(set(names)) < len(names))
    return faults + [fault for command in commands for fault in _command(command)]


def _command(command: Json) -> Faults:
    if command.get("type", 1) != 1:
        if not 1 <= characters(command["name"]) <= 32:
            yield "name: must be between 1 and 32 in length"
        return
    if _size(command) > 8000:
        yield f"{command['name']}: more than 8000 characters in all"
    yield from _named(command)


def _size(part: Json) -> int:
    own = characters(part["name"]) + characters(part.get("description", ""))
    choices = sum(
        characters(choice["name"]) + characters(str(choice["value"])) for choice in part.get("choices", [])
    )
    return own + choices + sum(_size(option) for option in part.get("options", []))


def _named(part: Json) -> Faults:
    if not re.fullmatch(r"[-_\w]{1,32}", part["name"]) or part["name"] != part["name"].lower():
        yield f"{part['name']}: not a name"
    if not 1 <= characters(part.get("description", "")) <= 100:
        yield f"{part['name']}.description: must be between 1 and 100 in length"
    options = part.get("options", [])
    if len(options) > 25:
        yield f"{part['name']}.options: must be 25 or fewer in length"
    required = [bool(option.get("required")) for option in options]
    if required != sorted(required, reverse=True):
        yield f"{part['name']}.options: required ones come first"
    for option in options:
        yield from _named(option)
        if option.get("choices") and option.get("autocomplete"):
            yield f"{option['name']}: choices and autocomplete exclude each other"
        yield from _choices(option.get("choices", []))


def faults_of_choices(choices: Sequence[Json]) -> list[str]:
    """The same for what an autocomplete offers."""
    return list(_choices(choices))


def _choices(choices: Sequence[Json]) -> Faults:
    if len(choices) > 25:
        yield "choices: must be 25 or fewer in length"
    for choice in choices:
        if not 1 <= characters(choice["name"]) <= 100:
            yield "choices.name: must be between 1 and 100 in length"
        if isinstance(choice["value"], str) and not 1 <= characters(choice["value"]) <= 100:
            yield "choices.value: must be between 1 and 100 in length"
