"""Limits of Discord's messages, commands, modals and choices, from its documentation."""

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
MAX_EMBED_CHARACTERS = 6000
V2_FLAG = 1 << 15
V2_COMPONENT_TYPES = {9, 10, 11, 12, 13, 14, 17}
MAX_COMPONENTS, MAX_V2_CHARACTERS = 40, 4000
NONCE_CHARACTERS = 25


def count_characters(text: str) -> int:
    return len(text)


def faults_of_message(payload: Json) -> list[str]:
    """Return every fault for which Discord answers 400; none if it takes the message."""
    return list(_check_message(payload))


def _check_message(payload: Json) -> Faults:
    for key in set(payload) - MESSAGE_KEYS:
        yield f"{key}: unknown key"
    content, embeds = payload.get("content") or "", payload.get("embeds") or []
    components = payload.get("components") or []
    if count_characters(content) > 2000:
        yield "content: must be 2000 or fewer in length"
    if len(str(payload.get("nonce") or "")) > NONCE_CHARACTERS:
        yield "nonce: must be 25 or fewer in length"
    if payload.get("flags", 0) & V2_FLAG:
        if content or embeds or payload.get("poll") or payload.get("sticker_ids"):
            yield "flags: MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
        yield from _check_layout(components)
        return
    if not content.strip() and not embeds and not components:
        yield "50006 Cannot send an empty message"
    yield from _check_embeds(embeds)
    yield from _check_rows(components)
    yield from _check_attachments(payload.get("attachments") or [])


def _check_attachments(attachments: Sequence[Json]) -> Faults:
    if len(attachments) > 10:
        yield "attachments: must be 10 or fewer in length"
    if len({str(one.get("id")) for one in attachments}) < len(attachments):
        yield "attachments: two have one id"
    for one in attachments:
        if count_characters(one.get("description") or "") > 1024:
            yield "attachments.description: must be 1024 or fewer in length"
        if "/" in str(one.get("filename", "")):
            yield "attachments.filename: has a path"


def _check_embeds(embeds: Sequence[Json]) -> Faults:
    if len(embeds) > 10:
        yield "embeds: must be 10 or fewer in length"
    total = 0
    for number, embed in enumerate(embeds):
        texts = list(_list_embed_texts(embed))
        total += sum(count_characters(text.strip()) for _, text, _ in texts)
        for name, text, limit in texts:
            if count_characters(text.strip()) > limit:
                yield f"embeds.{number}.{name}: must be {limit} or fewer in length"
        if len(embed.get("fields", [])) > 25:
            yield f"embeds.{number}.fields: must be 25 or fewer in length"
        url = embed.get("url")
        if url is not None and not re.fullmatch(r"https?://\S{1,2040}", url):
            yield f"embeds.{number}.url: not a well formed URL"
        if not 0 <= int(embed.get("color") or 0) <= 0xFFFFFF:
            yield f"embeds.{number}.color: must be at most 16777215"
    if total > MAX_EMBED_CHARACTERS:
        yield "embeds: embed size exceeds maximum size of 6000"


def _list_embed_texts(embed: Json) -> Iterator[tuple[str, str, int]]:
    for name, limit in EMBED_LIMITS.items():
        yield name, embed.get(name) or "", limit
    yield "footer.text", (embed.get("footer") or {}).get("text", ""), 2048
    yield "author.name", (embed.get("author") or {}).get("name", ""), 256
    for field in embed.get("fields", []):
        yield "fields.name", field["name"], 256
        yield "fields.value", field["value"], 1024


def _check_rows(rows: Sequence[Json]) -> Faults:
    if len(rows) > 5:
        yield "components: must be between 1 and 5 in length"
    custom_ids: set[str] = set()
    for row in rows:
        if row["type"] in V2_COMPONENT_TYPES:
            yield "components: needs the flag IS_COMPONENTS_V2"
        kinds = [component["type"] for component in row.get("components", [])]
        if row["type"] != 1 or not 1 <= len(kinds) <= (1 if 3 in kinds else 5):
            yield "components: a row has 1 to 5 buttons, or one select"
        for component in row.get("components", []):
            yield from _check_component(component, custom_ids)


def _check_component(component: Json, custom_ids: set[str]) -> Faults:
    custom_id = component.get("custom_id", "")
    if component["type"] == 2 and component.get("style") == 5:
        if not re.fullmatch(r"(https?|discord)://\S{1,500}", component.get("url") or ""):
            yield "components.url: not a well formed URL"
        return
    if not 1 <= count_characters(custom_id) <= 100:
        yield "components.custom_id: must be between 1 and 100 in length"
    if custom_id in custom_ids:
        yield f"COMPONENT_CUSTOM_ID_DUPLICATED: {custom_id}"
    custom_ids.add(custom_id)
    if component["type"] == 2:
        if not component.get("label") and not component.get("emoji"):
            yield "components: a button has a label or an emoji"
        if count_characters(component.get("label") or "") > 80:
            yield "components.label: must be 80 or fewer in length"
        if component.get("style") not in (1, 2, 3, 4):
            yield "components.style: unknown"
    elif component["type"] == 3:
        yield from _check_options(component)
    elif component["type"] == 4:
        yield from _check_text_input(component)
    elif component["type"] in (21, 22):
        yield from _check_choice_group(component)
    else:
        yield f"components.type: {component['type']} is not known"


def _check_options(select: Json) -> Faults:
    options = select.get("options", [])
    if not 1 <= len(options) <= 25:
        yield "components.options: must be between 1 and 25 in length"
    most = select.get("max_values", 1)
    if not 0 <= select.get("min_values", 1) <= most <= len(options):
        yield "components.max_values: out of range"
    yield from _check_option_texts(options, most)


def _check_option_texts(options: Sequence[Json], most: int) -> Faults:
    if sum(bool(option.get("default")) for option in options) > most:
        yield "components.options: more defaults than max_values"
    if len({option["value"] for option in options}) < len(options):
        yield "components.options: the values are not unique"
    for option in options:
        if not (
            1 <= count_characters(option["label"]) <= 100 and 1 <= count_characters(option["value"]) <= 100
        ):
            yield "components.options: must be between 1 and 100 in length"
        if count_characters(option.get("description") or "") > 100:
            yield "components.options.description: must be 100 or fewer in length"


def _check_choice_group(group: Json) -> Faults:
    """Check a radio group or a checkbox group: up to 10 options, of which as many as allowed are chosen."""
    is_radio, options = group["type"] == 21, group.get("options", [])
    if not (2 if is_radio else 1) <= len(options) <= 10:
        yield "components.options: a group has up to 10 options, radio buttons at least 2"
    most = 1 if is_radio else group.get("max_values", len(options))
    if not group.get("min_values", 0) <= most <= len(options):
        yield "components.max_values: out of range"
    yield from _check_option_texts(options, most)


def _check_text_input(box: Json) -> Faults:
    limit = box.get("max_length") or 4000
    if not 1 <= limit <= 4000 or count_characters(box.get("value") or "") > limit:
        yield "components.value: too long"
    if count_characters(box.get("placeholder") or "") > 100:
        yield "components.placeholder: must be 100 or fewer in length"


def _check_layout(components: Sequence[Json]) -> Faults:
    every = [one for component in components for one in _walk_components(component)]
    if len(every) > MAX_COMPONENTS:
        yield "components: at most 40 in all"
    shown = sum(count_characters(one.get("content") or "") for one in every if one["type"] == 10)
    if shown > MAX_V2_CHARACTERS:
        yield "components: at most 4000 characters in all"
    custom_ids: set[str] = set()
    for one in every:
        if one["type"] == 9 and not (1 <= len(one.get("components", [])) <= 3 and one.get("accessory")):
            yield "components: a section has 1 to 3 texts and an accessory"
        if one["type"] in (2, 3):
            yield from _check_component(one, custom_ids)


def _walk_components(component: Json) -> Iterator[Json]:
    yield component
    for inner in [*component.get("components", []), *filter(None, [component.get("accessory")])]:
        yield from _walk_components(inner)


def faults_of_modal(modal: Json) -> list[str]:
    """Return every fault of a modal."""
    return list(_check_modal(modal))


def _check_modal(modal: Json) -> Faults:
    if not 1 <= count_characters(modal.get("custom_id", "")) <= 100:
        yield "custom_id: must be between 1 and 100 in length"
    if not 1 <= count_characters(modal.get("title", "")) <= 45:
        yield "title: must be between 1 and 45 in length"
    if not 1 <= len(modal.get("components", [])) <= 5:
        yield "components: must be between 1 and 5 in length"
    custom_ids: set[str] = set()
    for label in modal.get("components", []):
        if label["type"] != 18:
            yield "components: must be labels"
            continue
        if not 1 <= count_characters(label.get("label") or "") <= 45:
            yield "components.label: must be between 1 and 45 in length"
        if count_characters(label.get("description") or "") > 100:
            yield "components.description: must be 100 or fewer in length"
        yield from _check_component(label["component"], custom_ids)


def faults_of_commands(commands: Sequence[Json]) -> list[str]:
    """Return every fault of an application's commands, given all of them."""
    kinds = [command.get("type", 1) for command in commands]
    faults = ["too many commands"] * (kinds.count(1) > 100 or kinds.count(2) > 15 or kinds.count(3) > 15)
    names = [(command.get("type", 1), command["name"]) for command in commands]
    faults += ["the names are not unique"] * (len(set(names)) < len(names))
    return faults + [fault for command in commands for fault in _check_command(command)]


def _check_command(command: Json) -> Faults:
    if command.get("type", 1) != 1:
        if not 1 <= count_characters(command["name"]) <= 32:
            yield "name: must be between 1 and 32 in length"
        return
    if _count_command_characters(command) > 8000:
        yield f"{command['name']}: more than 8000 characters in all"
    yield from _check_named_part(command)


def _count_command_characters(part: Json) -> int:
    own = count_characters(part["name"]) + count_characters(part.get("description", ""))
    choices = sum(
        count_characters(choice["name"]) + count_characters(str(choice["value"]))
        for choice in part.get("choices", [])
    )
    return own + choices + sum(_count_command_characters(option) for option in part.get("options", []))


def _check_named_part(part: Json) -> Faults:
    if not re.fullmatch(r"[-_\w]{1,32}", part["name"]) or part["name"] != part["name"].lower():
        yield f"{part['name']}: not a name"
    if not 1 <= count_characters(part.get("description", "")) <= 100:
        yield f"{part['name']}.description: must be between 1 and 100 in length"
    options = part.get("options", [])
    if len(options) > 25:
        yield f"{part['name']}.options: must be 25 or fewer in length"
    required = [bool(option.get("required")) for option in options]
    if required != sorted(required, reverse=True):
        yield f"{part['name']}.options: required ones come first"
    for option in options:
        yield from _check_named_part(option)
        if option.get("choices") and option.get("autocomplete"):
            yield f"{option['name']}: choices and autocomplete exclude each other"
        yield from _check_choices(option.get("choices", []))


def faults_of_choices(choices: Sequence[Json]) -> list[str]:
    """Return every fault of the choices of an autocomplete."""
    return list(_check_choices(choices))


def _check_choices(choices: Sequence[Json]) -> Faults:
    if len(choices) > 25:
        yield "choices: must be 25 or fewer in length"
    for choice in choices:
        if not 1 <= count_characters(choice["name"]) <= 100:
            yield "choices.name: must be between 1 and 100 in length"
        if isinstance(choice["value"], str) and not 1 <= count_characters(choice["value"]) <= 100:
            yield "choices.value: must be between 1 and 100 in length"
