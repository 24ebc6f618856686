"""Limits of Slack's blocks and views, with the words in which Slack refuses them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

Json = Mapping[str, Any]
Surface = Literal["message", "modal", "home"]
Faults = Iterator[str]

MAX_CHARACTERS = 13_200
MAX_TEXT_CHARACTERS = 4_000


def count_characters(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def faults_of_blocks(
    blocks: object, surface: Surface = "message", *, refuses_containers: bool = False
) -> list[str]:
    """Return every fault as Slack words it, with a JSON pointer; none if Slack takes the blocks."""
    if refuses_containers and isinstance(blocks, list) and any(map(_is_container, blocks)):
        return ["unsupported type: container [json-pointer:/blocks]"]
    if not isinstance(blocks, list):
        return ["must provide an array [json-pointer:/blocks]"]
    faults = list(_check_blocks(blocks, surface))
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]
    if len(set(ids)) < len(ids):
        faults.append("`block_id` already exists [json-pointer:/blocks]")
    return faults


def faults_of_view(view: object) -> list[str]:
    """Return every fault of a modal or a home page."""
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        return ["unsupported view type [json-pointer:/view/type]"]
    faults = faults_of_blocks(view.get("blocks"), view["type"])
    allowed = {"type", "blocks", "private_metadata", "callback_id", "external_id"}
    if view["type"] == "modal":
        allowed |= {"title", "submit", "close", "clear_on_close", "notify_on_close"}
        for part, needed in (("title", True), ("submit", _has_input(view)), ("close", False)):
            faults += list(
                _check_text(view.get(part), f"/view/{part}", 24, ("plain_text",), is_required=needed)
            )
    faults += [f"unknown key {key} [json-pointer:/view]" for key in set(view) - allowed]
    faults += list(_check_length(view.get("private_metadata", ""), "/view/private_metadata", 3000, minimum=0))
    faults += list(_check_length(view.get("callback_id", ""), "/view/callback_id", 255, minimum=0))
    return faults


def _has_input(view: Json) -> bool:
    return any(isinstance(block, dict) and block.get("type") == "input" for block in view.get("blocks") or [])


def count_total_characters(part: object) -> int:
    """Count the characters that people read in a payload."""
    match part:
        case {"type": "plain_text" | "mrkdwn", "text": str(text)}:
            return count_characters(text)
        case dict():
            return sum(map(count_total_characters, part.values()))
        case list():
            return sum(map(count_total_characters, part))
        case _:
            return 0


def _check_blocks(blocks: Sequence[object], surface: Surface) -> Faults:
    limit = 50 if surface == "message" else 100
    total = len(blocks) + sum(map(_count_children, blocks))
    if not 1 <= total <= limit:
        yield f"no more than {limit} items allowed, and at least one [json-pointer:/blocks]"
    actions: list[str] = []
    for number, block in enumerate(blocks):
        at = f"/blocks/{number}"
        if not isinstance(block, dict):
            yield f"must be an object [json-pointer:{at}]"
            continue
        check = _BLOCKS.get(str(block.get("type")))
        wrong_surface = {"input": surface == "message", "container": surface == "home"}
        wrong_surface["context_actions"] = surface != "message"
        if check is None or wrong_surface.get(block["type"]):
            yield f"unsupported type: {block.get('type')} [json-pointer:{at}/type]"
            continue
        yield from check(block, at)
        actions += [f"{block.get('block_id', number)} {element}" for element in _list_action_ids(block)]
    if len(set(actions)) < len(actions):
        yield "`action_id` already exists [json-pointer:/blocks]"


def _count_children(block: object) -> int:
    return len(block.get("child_blocks") or []) if isinstance(block, dict) else 0


def _is_container(block: object) -> bool:
    return isinstance(block, dict) and block.get("type") == "container"


def _list_action_ids(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if "action_id" in part:
            yield str(part["action_id"])
        for value in part.values():
            yield from _list_action_ids(value)
    elif isinstance(part, list):
        for value in part:
            yield from _list_action_ids(value)


def _check_keys(part: Json, at: str, required: set[str], optional: set[str]) -> Faults:
    for key in required - set(part):
        yield f"missing required field: {key} [json-pointer:{at}]"
    for key in set(part) - required - optional:
        yield f"additional property {key} [json-pointer:{at}]"


def _check_length(text: object, at: str, limit: int, *, minimum: int = 1) -> Faults:
    if not isinstance(text, str):
        yield f"must be a string [json-pointer:{at}]"
    elif count_characters(text) > limit:
        yield f"must be less than {limit + 1} characters [json-pointer:{at}]"
    elif count_characters(text) < minimum:
        yield f"must be more than {minimum - 1} characters [json-pointer:{at}]"


def _check_text(
    part: object, at: str, limit: int, kinds: Sequence[str], *, is_required: bool = True
) -> Faults:
    if part is None:
        if is_required:
            yield f"missing required field [json-pointer:{at}]"
        return
    if not isinstance(part, dict) or part.get("type") not in kinds:
        yield f"must be one of {', '.join(kinds)} [json-pointer:{at}/type]"
        return
    yield from _check_keys(
        part, at, {"type", "text"}, {"emoji"} if part["type"] == "plain_text" else {"verbatim"}
    )
    yield from _check_length(part.get("text"), f"{at}/text", limit)


_BOTH = ("plain_text", "mrkdwn")
_PLAIN = ("plain_text",)


def _check_divider(block: Json, at: str) -> Faults:
    yield from _check_keys(block, at, {"type"}, {"block_id"})


def _check_header(block: Json, at: str) -> Faults:
    yield from _check_keys(block, at, {"type", "text"}, {"block_id"})
    yield from _check_text(block.get("text"), f"{at}/text", 150, _PLAIN)


def _check_section(block: Json, at: str) -> Faults:
    yield from _check_keys(block, at, {"type", "text"}, {"block_id", "accessory", "expand"})
    yield from _check_text(block.get("text"), f"{at}/text", 3000, _BOTH)
    if "accessory" in block:
        yield from _check_element(block["accessory"], f"{at}/accessory")


def _check_context(block: Json, at: str) -> Faults:
    yield from _check_keys(block, at, {"type", "elements"}, {"block_id"})
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 10:
        yield f"no more than 10 items allowed, and at least one [json-pointer:{at}/elements]"
    for number, element in enumerate(elements):
        yield from _check_text(element, f"{at}/elements/{number}", 2000, _BOTH)


def _check_actions(block: Json, at: str) -> Faults:
    yield from _check_keys(block, at, {"type", "elements"}, {"block_id"})
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 25:
        yield f"no more than 25 items allowed, and at least one [json-pointer:{at}/elements]"
    for number, element in enumerate(elements):
        yield from _check_element(element, f"{at}/elements/{number}")


def _check_context_actions(block: Json, at: str) -> Faults:
    yield from _check_keys(block, at, {"type", "elements"}, {"block_id"})
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 5:
        yield f"no more than 5 items allowed, and at least one [json-pointer:{at}/elements]"
    for number, element in enumerate(elements):
        here = f"{at}/elements/{number}"
        if element.get("type") != "feedback_buttons":
            yield f"unsupported element [json-pointer:{here}]"
            continue
        yield from _check_keys(
            element, here, {"type", "action_id", "positive_button", "negative_button"}, set()
        )
        yield from _check_length(element.get("action_id"), f"{here}/action_id", 255)
        for name in ("positive_button", "negative_button"):
            button = element.get(name) or {}
            yield from _check_keys(button, f"{here}/{name}", {"text", "value"}, {"accessibility_label"})
            yield from _check_text(button.get("text"), f"{here}/{name}/text", 75, _PLAIN)
            yield from _check_length(button.get("value"), f"{here}/{name}/value", 2000)


def _check_input(block: Json, at: str) -> Faults:
    yield from _check_keys(
        block, at, {"type", "label", "element"}, {"block_id", "hint", "optional", "dispatch_action"}
    )
    yield from _check_text(block.get("label"), f"{at}/label", 2000, _PLAIN)
    yield from _check_text(block.get("hint"), f"{at}/hint", 2000, _PLAIN, is_required=False)
    yield from _check_element(block.get("element"), f"{at}/element")


def _check_container(block: Json, at: str) -> Faults:
    optional = {"block_id", "subtitle", "width", "is_collapsible", "default_collapsed", "has_header_divider"}
    yield from _check_keys(block, at, {"type", "title", "child_blocks"}, optional)
    yield from _check_text(block.get("title"), f"{at}/title", 150, _PLAIN)
    yield from _check_text(block.get("subtitle"), f"{at}/subtitle", 150, _BOTH, is_required=False)
    if block.get("default_collapsed") and not block.get("is_collapsible"):
        yield f"requires is_collapsible [json-pointer:{at}/default_collapsed]"
    if block.get("is_collapsible") and block.get("has_header_divider"):
        yield f"excludes is_collapsible [json-pointer:{at}/has_header_divider]"
    children = block.get("child_blocks") or []
    if not 1 <= len(children) <= 10:
        yield f"no more than 10 items allowed, and at least one [json-pointer:{at}/child_blocks]"
    for number, child in enumerate(children):
        here = f"{at}/child_blocks/{number}"
        if not isinstance(child, dict) or child.get("type") not in _CHILD_BLOCKS:
            yield f"unsupported type in a container [json-pointer:{here}/type]"
            continue
        yield from _BLOCKS[child["type"]](child, here)


def _check_image(block: Json, at: str) -> Faults:
    yield from _check_keys(block, at, {"type", "slack_file", "alt_text"}, {"block_id", "title"})
    yield from _check_length(block.get("alt_text"), f"{at}/alt_text", 2000)
    file = block.get("slack_file")
    if not isinstance(file, dict) or set(file) != {"id"}:
        yield f"must have an id or a url [json-pointer:{at}/slack_file]"
    elif not re.fullmatch(r"F[A-Z0-9]{8,}", str(file["id"])):
        yield f"input must match regex pattern: ^[F][A-Z0-9]{{8,}}$ [json-pointer:{at}/slack_file/id]"


_CHILD_BLOCKS = ("section", "context", "actions", "divider", "header")
"""Blocks that this fake knows and Slack takes in a container."""

_BLOCKS: dict[str, Callable[[Json, str], Faults]] = {
    "divider": _check_divider, "header": _check_header, "section": _check_section, "context": _check_context,
    "actions": _check_actions, "context_actions": _check_context_actions,
    "input": _check_input, "container": _check_container, "image": _check_image,
}  # fmt: skip


def _check_element(element: object, at: str) -> Faults:
    check = _ELEMENTS.get(str(element.get("type"))) if isinstance(element, dict) else None
    if check is None or not isinstance(element, dict):
        yield f"unsupported element [json-pointer:{at}]"
        return
    yield from _check_length(element.get("action_id"), f"{at}/action_id", 255)
    yield from check(element, at)


def _check_button(element: Json, at: str) -> Faults:
    optional = {"value", "url", "style", "confirm", "accessibility_label"}
    yield from _check_keys(element, at, {"type", "action_id", "text"}, optional)
    yield from _check_text(element.get("text"), f"{at}/text", 75, _PLAIN)
    yield from _check_length(element.get("value", "x"), f"{at}/value", 2000)
    yield from _check_length(element.get("accessibility_label", "x"), f"{at}/accessibility_label", 75)
    if element.get("style", "primary") not in ("primary", "danger"):
        yield f"must be primary or danger [json-pointer:{at}/style]"
    if "url" in element and not re.match(r"https?://", str(element["url"])):
        yield f"must be a url [json-pointer:{at}/url]"


def faults_of_suggestions(answer: object) -> list[str]:
    """Return every fault of the answer to a block_suggestion. It may have no options."""
    if not isinstance(answer, dict) or not isinstance(answer.get("options"), list) or len(answer) > 1:
        return ["must provide options [json-pointer:/options]"]
    return list(_check_options(answer, "", 100)) if answer["options"] else []


def _check_options(element: Json, at: str, limit: int) -> Faults:
    options = element.get("options") or []
    if not 1 <= len(options) <= limit:
        yield f"no more than {limit} items allowed, and at least one [json-pointer:{at}/options]"
    for number, option in enumerate(options):
        here = f"{at}/options/{number}"
        yield from _check_keys(option, here, {"text", "value"}, {"description"})
        yield from _check_text(option.get("text"), f"{here}/text", 75, _BOTH)
        yield from _check_text(option.get("description"), f"{here}/description", 75, _BOTH, is_required=False)
        yield from _check_length(option.get("value"), f"{here}/value", 150)
    first = element.get("initial_options", [element["initial_option"]] if "initial_option" in element else [])
    if "initial_options" in element and not first:
        yield f"must not be empty [json-pointer:{at}/initial_options]"
    if any(option not in options for option in first):
        yield f"must be one of the options [json-pointer:{at}/initial_option]"


def _check_select(element: Json, at: str) -> Faults:
    yield from _check_keys(element, at, {"type", "action_id", "options"}, {"initial_option", "placeholder"})
    yield from _check_options(element, at, 100)


def _check_external_select(element: Json, at: str) -> Faults:
    optional = {"initial_option", "placeholder", "min_query_length"}
    yield from _check_keys(element, at, {"type", "action_id"}, optional)
    yield from _check_text(element.get("placeholder"), f"{at}/placeholder", 150, _PLAIN, is_required=False)
    if "initial_option" in element:
        yield from _check_options({"options": [element["initial_option"]]}, at, 1)


def _check_checkboxes(element: Json, at: str) -> Faults:
    yield from _check_keys(element, at, {"type", "action_id", "options"}, {"initial_options"})
    yield from _check_options(element, at, 10)


def _check_radio(element: Json, at: str) -> Faults:
    yield from _check_keys(element, at, {"type", "action_id", "options"}, {"initial_option"})
    yield from _check_options(element, at, 10)


def _check_overflow(element: Json, at: str) -> Faults:
    yield from _check_keys(element, at, {"type", "action_id", "options"}, set())
    yield from _check_options(element, at, 5)


def _check_timepicker(element: Json, at: str) -> Faults:
    yield from _check_keys(element, at, {"type", "action_id"}, {"initial_time", "placeholder"})
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", str(element.get("initial_time", "00:00"))):
        yield f"must be HH:MM [json-pointer:{at}/initial_time]"


def _check_text_input(element: Json, at: str) -> Faults:
    optional = {
        "initial_value",
        "placeholder",
        "multiline",
        "min_length",
        "max_length",
        "dispatch_action_config",
    }
    yield from _check_keys(element, at, {"type", "action_id"}, optional)
    yield from _check_text(element.get("placeholder"), f"{at}/placeholder", 150, _PLAIN, is_required=False)
    yield from _check_length(element.get("initial_value", "x"), f"{at}/initial_value", 3000)


_ELEMENTS: dict[str, Callable[[Json, str], Faults]] = {
    "button": _check_button, "static_select": _check_select, "checkboxes": _check_checkboxes,
    "radio_buttons": _check_radio, "external_select": _check_external_select,
    "overflow": _check_overflow, "timepicker": _check_timepicker, "plain_text_input": _check_text_input,
}  # fmt: skip
