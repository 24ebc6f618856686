"""The subscription form as four short Discord modals, and reading of a submitted one. Pure.

A modal has at most five fields and cannot open another, so each part of the form is behind a button of one
message: what, how many, when and how, and the name. The buttons and the modal name the channel and the
digest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord

from bot.chat.message import Button, ButtonAction, Buttons, Message
from bot.conversation.subscription_form import DAY_NAMES, DAYS, SubscriptionForm
from digests.domains import DOMAIN_GROUPS

FORM_ID_PREFIX = "form:"
"""Prefix of a modal's custom_id; the part of the form, the channel's id and the digest's name follow."""
SAVE_PART = "save"
"""In place of a part, in the value of the button that saves the form as it is."""
STALE_FORM = "This form is of an older version, so nothing was changed: open it again."

FIELD_CHARACTERS = 4000
"""Most characters of a text field that Discord takes. The lists of a form are shorter."""
FORM_PARTS = {"what": "What", "how": "How many", "when": "When and how", "name": "Name"}
"""Labels of the parts' buttons, by the part's name."""

_TOP_CHOICES = (*map(str, range(1, 11)), "15", "20", "30", "50")
_SCORE_CHOICES = ("5", "6", "6.5", "7", "7.5", "8", "8.5", "9")
_NO_SCORE = "none"
_MATCH_MODES = {"all": "Both must match", "any": "A domain or a keyword is enough"}
_UNSCORED = {"after": "Come after all others", "leave out": "Are left out"}
_REPEAT = {"no": "Are left out", "yes": "Come here too"}
RHYTHMS = {"1": "Every week", "2": "Every second week"}
_STYLES = {"cards": "One message per paper", "compact": "All in one message", "thread": "A thread"}

Fields = Mapping[str, str | Sequence[str]]
"""Value of each field of a modal by its name: a list of a select or checkboxes with several, else a text."""


@dataclass(frozen=True, slots=True)
class FormTarget:
    """The digest that a form is about: the channel's id, and the digest's name, "" for the main one."""

    channel: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.channel}:{self.name}" if self.name else self.channel


def read_target(value: str) -> FormTarget:
    """Read a target from a button or a modal, which are not trusted."""
    channel, _, name = value.partition(":")
    return FormTarget(channel, name)


def add_form_buttons(
    message: Message, target: FormTarget, *, can_save: bool, others: Iterable[str] = ()
) -> Message:
    """Return a message with the buttons of the form's parts.

    With `can_save` another button saves the form as it is filled in. Further buttons show the settings of
    other digests of the channel, by their names.
    """
    buttons = [
        Button(ButtonAction.FORM, label, f"{part}:{target}", is_primary=part == "what" and not can_save)
        for part, label in FORM_PARTS.items()
    ]
    if can_save:
        buttons.append(Button(ButtonAction.FORM, "Save", f"{SAVE_PART}:{target}", is_primary=True))
    for name in others:
        label = f"Settings of “{name}”" if name else "Settings of the main digest"
        buttons.append(Button(ButtonAction.SETTINGS, label, f"{target.channel}:{name}"))
    return replace(message, blocks=(*message.blocks, Buttons(tuple(buttons))))


def build_modal(part: str, form: SubscriptionForm, channel: str) -> discord.ui.Modal:
    """Build the modal of a part of the form, filled in; `channel` is the channel's id.

    discord.py does not wait for the modal: its submission is handled by the custom_id, after a restart too.
    """
    title = f"The digest “{form.name}”" if form.name else "The digest"
    target = FormTarget(channel, form.name)
    modal = discord.ui.Modal(title=title, custom_id=f"{FORM_ID_PREFIX}{part}:{target}")
    builders = {
        "what": _build_what_fields,
        "how": _build_how_fields,
        "when": _build_when_fields,
        "name": _build_name_fields,
    }
    for label in builders[part](form):
        modal.add_item(label)
    modal.stop()
    return modal


Label = discord.ui.Label[Any]


def _build_what_fields(form: SubscriptionForm) -> list[Label]:
    groups, others = _split_domains(form.domains)
    select: discord.ui.Select[Any] = discord.ui.Select(
        custom_id="groups",
        required=False,
        min_values=0,
        max_values=len(DOMAIN_GROUPS),
        options=[
            discord.SelectOption(label=group, value=group, default=group in groups) for group in DOMAIN_GROUPS
        ],
    )
    return [
        discord.ui.Label(text="Domains", description="None here and below: papers of all", component=select),
        build_text_field("categories", "More domains", "arXiv categories such as cs.CL, with commas", others),
        build_text_field(
            "keywords", "Keywords", "Words of the papers that are wanted, with commas", form.keywords
        ),
        build_text_field("authors", "Authors", "Their papers come whatever the domain", form.authors or ""),
        build_text_field(
            "muted", "Leave out", "Domains or words that keep a paper out, with commas", form.muted
        ),
    ]


def _build_how_fields(form: SubscriptionForm) -> list[Label]:
    scores = {_NO_SCORE: "No minimum", **{score: f"{score} or more" for score in _SCORE_CHOICES}}
    score = form.min_score or _NO_SCORE
    return [
        build_select_field("top", "How many papers at most", {top: top for top in _TOP_CHOICES}, form.top),
        build_select_field("min_score", "Minimum score", scores, score),
        build_radio_field("unscored", "Papers without a score", _UNSCORED, form.unscored or "after"),
        build_radio_field("match", "Domains and keywords", _MATCH_MODES, form.match or "all"),
        build_radio_field("repeat", "Papers that another digest here showed", _REPEAT, form.repeat or "no"),
    ]


def _build_when_fields(form: SubscriptionForm) -> list[Label]:
    days: discord.ui.CheckboxGroup[Any] = discord.ui.CheckboxGroup(
        custom_id="days",
        min_values=1,
        max_values=len(DAYS),
        options=[
            discord.CheckboxGroupOption(label=name, value=day, default=day in form.days)
            for day, name in zip(DAYS, DAY_NAMES, strict=True)
        ],
    )
    return [
        build_text_field("at", "Time", "Such as 08:30 or 9am", form.at, is_required=True),
        discord.ui.Label(text="Days", component=days),
        build_radio_field("every_weeks", "Rhythm", RHYTHMS, form.every_weeks or "1"),
        build_text_field(
            "time_zone", "Time zone", "A city or a name, such as Berlin", form.time_zone, is_required=True
        ),
        build_radio_field("style", "Style", _STYLES, form.style),
    ]


def _build_name_fields(form: SubscriptionForm) -> list[Label]:
    hint = "Tells several digests apart. Empty: the main digest"
    return [build_text_field("new_name", "Name", hint, form.new_name or "")]


def build_text_field(
    name: str,
    label: str,
    hint: str,
    value: str,
    *,
    is_required: bool = False,
    limit: int = FIELD_CHARACTERS,
) -> Label:
    """Build a field for a text of at most `limit` characters."""
    box: discord.ui.TextInput[Any] = discord.ui.TextInput(
        custom_id=name, default=value[:limit] or None, required=is_required, max_length=limit
    )
    return discord.ui.Label(text=label, description=hint, component=box)


def build_select_field(name: str, label: str, choices: Mapping[str, str], value: str) -> Label:
    """Build a select of one value. A present value that is no choice becomes one, at the end."""
    labels = {**choices, value: choices.get(value, value)}
    select: discord.ui.Select[Any] = discord.ui.Select(
        custom_id=name,
        options=[
            discord.SelectOption(label=text, value=choice, default=choice == value)
            for choice, text in labels.items()
        ],
    )
    return discord.ui.Label(text=label, component=select)


def build_radio_field(name: str, label: str, choices: Mapping[str, str], value: str) -> Label:
    """Build a choice of one value of a few."""
    group: discord.ui.RadioGroup[Any] = discord.ui.RadioGroup(
        custom_id=name,
        options=[
            discord.RadioGroupOption(label=text, value=choice, default=choice == value)
            for choice, text in choices.items()
        ],
    )
    return discord.ui.Label(text=label, component=group)


def _split_domains(domains: str) -> tuple[list[str], str]:
    """Return the groups among domains, and the others as a list with commas."""
    entries = [entry.strip() for entry in domains.split(",")]
    groups = [entry for entry in entries if entry in DOMAIN_GROUPS]
    return groups, ", ".join(entry for entry in entries if entry and entry not in DOMAIN_GROUPS)


def read_modal(data: Mapping[str, Any]) -> tuple[str, FormTarget, Fields]:
    """Return the part, the target and the field values of a submitted modal.

    `data` is the payload of the interaction. Missing parts become empty.
    """
    part, _, target = str(data.get("custom_id", "")).removeprefix(FORM_ID_PREFIX).partition(":")
    return part, read_target(target), read_components(data)


def read_components(data: Mapping[str, Any]) -> Fields:
    """Return the field values of a submitted modal by their custom_id."""
    components = [label.get("component") or {} for label in data.get("components") or ()]
    return {str(each.get("custom_id")): _read_value(each) for each in components}


def _read_value(component: Mapping[str, Any]) -> str | list[str]:
    values = component.get("values")
    return list(map(str, values)) if isinstance(values, list) else str(component.get("value") or "")


def fill_in_fields(form: SubscriptionForm, fields: Fields) -> SubscriptionForm:
    """Return the form with the values of a submitted modal. Fields of other parts stay, and so do odd ones.

    Unchanged domains keep their order.
    """
    texts = {
        name: value if isinstance(value, str) else next(iter(value), "") for name, value in fields.items()
    }
    names = (
        "keywords",
        "authors",
        "muted",
        "top",
        "min_score",
        "unscored",
        "match",
        "repeat",
        "every_weeks",
        "style",
        "at",
        "time_zone",
        "new_name",
    )
    changes: dict[str, Any] = {name: texts[name] for name in names if name in texts}
    if changes.get("min_score") == _NO_SCORE:
        changes["min_score"] = ""
    if "days" in fields:
        changes["days"] = tuple(fields["days"])
    if "groups" in fields:
        chosen = [*fields["groups"], *texts.get("categories", "").replace(";", ",").split(",")]
        domains = [domain.strip() for domain in chosen if domain.strip()]
        present = [domain.strip() for domain in form.domains.split(",") if domain.strip()]
        changes["domains"] = ", ".join(present if sorted(domains) == sorted(present) else domains)
    return replace(form, **changes)


def command_text_of_options(
    domains: str = "",
    keywords: str = "",
    leave_out: str = "",
    days: str = "",
    time_zone: str = "",
    **clauses: object,
) -> str:
    """Return the text after “/digest subscribe” for the given options; empty if none is given.

    An option that is not given leaves its setting as it is. `clauses` are options whose name is a word of the
    command, such as `top` and `at`; None means not given.
    """
    days = f"on {days}" if days and days not in ("weekdays", "daily", "weekends") else days
    parts = [
        domains.strip(),
        f"about {_quote_entries(keywords)}" if keywords else "",
        f"not {_quote_entries(leave_out)}" if leave_out else "",
        *(f"{name} {value}" for name, value in clauses.items() if value is not None and value != ""),
        days,
        f"in {time_zone}" if time_zone else "",
    ]
    return " ".join(filter(None, parts))


def _quote_entries(entries: str) -> str:
    """Put each entry of a list in quotes, so that no word in it is parsed as the start of a clause.

    Entries are separated by commas, semicolons or lines. Quotes in them become spaces.
    """
    cleaned = (
        entry.replace('"', " ").strip() for entry in entries.replace(";", ",").replace("\n", ",").split(",")
    )
    return ", ".join(f'"{entry}"' for entry in cleaned if entry)
