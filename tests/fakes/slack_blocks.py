"""What Slack takes of blocks and views, and in which words it refuses the rest; from the table in guides/slack.md, 2.2."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

Json = Mapping[str, Any]
Surface = Literal["message", "modal", "home"]
Faults = Iterator[str]

MOST_CHARACTERS = 13_200
MOST_TEXT = 4_000


def characters(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def faults_of_blocks(blocks: object, surface: Surface = "message") -> list[str]:
    """Every fault as Slack words it, with a JSON pointer; empty when Slack would take the blocks."""
    if not isinstance(blocks, list):
        return ["must provide an array [json-pointer:/blocks]"]
    faults = list(_blocks(blocks, surface))
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]
    if len(set(ids)) < len(ids):
        faults.append("`block_id` already exists [json-pointer:/blocks]")
    return faults


def faults_of_view(view: object) -> list[str]:
    """The same for a modal or a home page."""
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        return ["unsupported view type [json-pointer:/view/type]"]
    faults = faults_of_blocks(view.get("blocks"), view["type"])
    allowed = {"type", "blocks", "private_metadata", "callback_id", "external_id"}
    if view["type"] == "modal":
        allowed |= {"title", "submit", "close", "clear_on_close", "notify_on_close"}
        for part, needed in (("title", True), ("submit", _has_input(view)), ("close", False)):
            faults += list(_text(view.get(part), f"/view/{part}", 24, ("plain_text",), needed=needed))
    faults += [f"unknown key {key} [json-pointer:/view]" for key in set(view) - allowed]
    faults += list(_length(view.get("private_metadata", ""), "/view/private_metadata", 3000, least=0))
    faults += list(_length(view.get("callback_id", ""), "/view/callback_id", 255, least=0))
    return faults


def _has_input(view: Json) -> bool:
    return any(isinstance(block, dict) and block.get("type") == "input" for block in view.get("blocks") or [])


def total(part: object) -> int:
    """All characters that people would read in a payload."""
    match part:
        case {"type": "plain_text" | "mrkdwn", "text": str(text)}:
            return characters(text)
        case dict():
            return sum(map(total, part.values()))
        case list():
            return sum(map(total, part))
        case _:
            return 0


def _blocks(blocks: Sequence[object], surface: Surface) -> Faults:
    most = 50 if surface == "message" else 100
    if not 1 <= len(blocks) <= most:
        yield f"no more than {most} items allowed, and at least one [json-pointer:/blocks]"
    actions: list[str] = []
    for number, block in enumerate(blocks):
        at = f"/blocks/{number}"
        if not isinstance(block, dict):
            yield f"must be an object [json-pointer:{at}]"
            continue
        check = _BLOCKS.get(str(block.get("type")))
        if check is None or (block["type"] == "input" and surface == "message"):
            yield f"unsupported type: {block.get('type')} [json-pointer:{at}/type]"
            continue
        yield from check(block, at)
        actions += [f"{block.get('block_id', number)} {element}" for element in _action_ids(block)]
    if len(set(actions)) < len(actions):
        yield "`action_id` already exists [json-pointer:/blocks]"


def _action_ids(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if "action_id" in part:
            yield str(part["action_id"])
        for value in part.values():
            yield from _action_ids(value)
    elif isinstance(part, list):
        for value in part:
            yield from _action_ids(value)


def _keys(part: Json, at: str, required: set[str], optional: set[str]) -> Faults:
    for key in required - set(part):
        yield f"missing required field: {key} [json-pointer:{at}]"
    for key in set(part) - required - optional:
        yield f"additional property {key} [json-pointer:{at}]"


def _length(text: object, at: str, most: int, *, least: int = 1) -> Faults:
    if not isinstance(text, str):
        yield f"must be a string [json-pointer:{at}]"
    elif characters(text) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{at}]"
    elif characters(text) < least:
        yield f"must be more than {least - 1} characters [json-pointer:{at}]"


def _text(part: object, at: str, most: int, kinds: Sequence[str], *, needed: bool = True) -> Faults:
    if part is None:
        if needed:
            yield f"missing required field [json-pointer:{at}]"
        return
    if not isinstance(part, dict) or part.get("type") not in kinds:
        yield f"must be one of {', '.join(kinds)} [json-pointer:{at}/type]"
        return
    yield from _keys(part, at, {"type", "text"}, {"emoji"} if part["type"] == "plain_text" else {"verbatim"})
    yield from _length(part.get("text"), f"{at}/text", most)


_BOTH = ("plain_text", "mrkdwn")
_PLAIN = ("plain_text",)


def _divider(block: Json, at: str) -> Faults:
    yield from _keys(block, at, {"type"}, {"block_id"})


def _header(block: Json, at: str) -> Faults:
    yield from _keys(block, at, {"type", "text"}, {"block_id"})
    yield from _text(block.get("text"), f"{at}/text", 150, _PLAIN)


def _section(block: Json, at: str) -> Faults:
    yield from _keys(block, at, {"type", "text"}, {"block_id", "accessory", "expand"})
    yield from _text(block.get("text"), f"{at}/text", 3000, _BOTH)
    if "accessory" in block:
        yield from _element(block["accessory"], f"{at}/accessory")


def _context(block: Json, at: str) -> Faults:
    yield from _keys(block, at, {"type", "elements"}, {"block_id"})
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 10:
        yield f"no more than 10 items allowed, and at least one [json-pointer:{at}/elements]"
    for number, element in enumerate(elements):
        yield from _text(element, f"{at}/elements/{number}", 2000, _BOTH)


def _actions(block: Json, at: str) -> Faults:
    yield from _keys(block, at, {"type", "elements"}, {"block_id"})
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 25:
        yield f"no more than 25 items allowed, and at least one [json-pointer:{at}/elements]"
    for number, element in enumerate(elements):
        yield from _element(element, f"{at}/elements/{number}")


def _input(block: Json, at: str) -> Faults:
    yield from _keys(
        block, at, {"type", "label", "element"}, {"block_id", "hint", "optional", "dispatch_action"}
    )
    yield from _text(block.get("label"), f"{at}/label", 2000, _PLAIN)
    yield from _text(block.get("hint"), f"{at}/hint", 2000, _PLAIN, needed=False)
    yield from _element(block.get("element"), f"{at}/element")


_BLOCKS: dict[str, Callable[[Json, str], Faults]] = {
    "divider": _divider, "header": _header, "section": _section, "context": _context, "actions": _actions,
    "input": _input,
}  # fmt: skip


def _element(element: object, at: str) -> Faults:
    check = _ELEMENTS.get(str(element.get("type"))) if isinstance(element, dict) else None
    if check is None or not isinstance(element, dict):
        yield f"unsupported element [json-pointer:{at}]"
        return
    yield from _length(element.get("action_id"), f"{at}/action_id", 255)
    yield from check(element, at)


def _button(element: Json, at: str) -> Faults:
    optional = {"value", "url", "style", "confirm", "accessibility_label"}
    yield from _keys(element, at, {"type", "action_id", "text"}, optional)
    yield from _text(element.get("text"), f"{at}/text", 75, _PLAIN)
    yield from _length(element.get("value", "x"), f"{at}/value", 2000)
    yield from _length(element.get("accessibility_label", "x"), f"{at}/accessibility_label", 75)
    if element.get("style", "primary") not in ("primary", "danger"):
        yield f"must be primary or danger [json-pointer:{at}/style]"
    if "url" in element and not re.match(r"https?://", str(element["url"])):
        yield f"must be a url [json-pointer:{at}/url]"


def _options(element: Json, at: str, most: int) -> Faults:
    options = element.get("options") or []
    if not 1 <= len(options) <= most:
        yield f"no more than {most} items allowed, and at least one [json-pointer:{at}/options]"
    for number, option in enumerate(options):
        here = f"{at}/options/{number}"
        yield from _keys(option, here, {"text", "value"}, {"description"})
        yield from _text(option.get("text"), f"{here}/text", 75, _BOTH)
        yield from _text(option.get("description"), f"{here}/description", 75, _BOTH, needed=False)
        yield from _length(option.get("value"), f"{here}/value", 150)
    first = element.get("initial_options", [element["initial_option"]] if "initial_option" in element else [])
    if "initial_options" in element and not first:
        yield f"must not be empty [json-pointer:{at}/initial_options]"
    if any(option not in options for option in first):
        yield f"must be one of the options [json-pointer:{at}/initial_option]"


def _select(element: Json, at: str) -> Faults:
    yield from _keys(element, at, {"type", "action_id", "options"}, {"initial_option", "placeholder"})
    yield from _options(element, at, 100)


def _checkboxes(element: Json, at: str) -> Faults:
    yield from _keys(element, at, {"type", "action_id", "options"}, {"initial_options"})
    yield from _options(element, at, 10)


def _radio(element: Json, at: str) -> Faults:
    yield from _keys(element, at, {"type", "action_id", "options"}, {"initial_option"})
    yield from _options(element, at, 10)


def _overflow(element: Json, at: str) -> Faults:
    yield from _keys(element, at, {"type", "action_id", "options"}, set())
    yield from _options(element, at, 5)


def _timepicker(element: Json, at: str) -> Faults:
    yield from _keys(element, at, {"type", "action_id"}, {"initial_time", "placeholder"})
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", str(element.get("initial_time", "00:00"))):
        yield f"must be HH:MM [json-pointer:{at}/initial_time]"


def _text_input(element: Json, at: str) -> Faults:
    optional = {
        "initial_value",
        "placeholder",
        "multiline",
        "min_length",
        "max_length",
        "dispatch_action_config",
    }
    yield from _keys(element, at, {"type", "action_id"}, optional)
    yield from _text(element.get("placeholder"), f"{at}/placeholder", 150, _PLAIN, needed=False)
    yield from _length(element.get("initial_value", "x"), f"{at}/initial_value", 3000)


_ELEMENTS: dict[str, Callable[[Json, str], Faults]] = {
    "button": _button, "static_select": _select, "checkboxes": _checkboxes, "radio_buttons": _radio,
    "overflow": _overflow, "timepicker": _timepicker, "plain_text_input": _text_input,
}  # fmt: skip
