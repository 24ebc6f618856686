"""`paperround init`: ask five questions, write the settings file, and say what comes next."""

import argparse
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.cli.terminal import EXIT_FAILED, EXIT_OK, print_lines
from bot.platforms.registry import PlatformSpec, find_platforms, find_settings_models
from config.load import DEFAULT_PATH, load_settings
from config.problems import SettingsError
from config.validators import parse_clock_time, validate_time_zone, validate_web_address
from digests.domains import resolve_domain
from digests.errors import InputError

MAX_TRIES = 5
"""Answers to one question before the command gives up: a script that answers it wrongly would never end."""

FIELDS = ("language", "vision", "learning", "ai")
"""Groups of categories that are proposed: four of five machine-learning papers are in them."""


class NoAnswerError(InputError):
    """The end of the input, or too many answers that cannot be used."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to the five questions. `model_url` and `model` are empty without a model of one's own."""

    platform: PlatformSpec
    scores: str
    place: str
    model_url: str
    model: str
    domains: tuple[str, ...]
    at: str
    time_zone: str
    contact: str


def run_command(options: argparse.Namespace) -> int:
    """Ask, and write the settings file. Never overwrites one. Raises InputError and SettingsError.

    A question gets its proposal from an empty line, and from the end of the input.
    """
    file: Path = options.config or Path(os.environ.get("PAPERROUND_CONFIG") or DEFAULT_PATH)
    if file.exists():
        raise InputError(
            f"{file} exists, and is not overwritten: rename it, or name another one with --config FILE."
        )
    try:
        answers = ask_questions(input)
    except NoAnswerError as error:
        print_lines(f"{error} Nothing was written.")
        return EXIT_FAILED
    write_settings(file, render_settings(answers))
    print_lines("", *describe_next_steps(answers, file))
    return EXIT_OK


def ask_questions(ask: Callable[[str], str]) -> Answers:
    """Ask the five questions; `ask` prints a question and returns a line. Raises NoAnswerError.

    An answer that cannot be used gets a sentence, and the question is asked again.
    """
    platforms = find_platforms()
    print_lines(
        "Five questions. Enter takes what is in brackets. Everything can be changed later, in one file.", ""
    )
    platform = _ask_choice(
        ask,
        "1. Where shall the digests go?",
        {
            name: spec.title if spec.main_secret else "this terminal, to try it"
            for name, spec in platforms.items()
        },
    )
    scores = _ask_choice(
        ask,
        "2. Where do the papers' scores come from?",
        {
            "votes": "none yet: arXiv's papers, ordered by Hugging Face's votes",
            "model": "a model of mine reads arXiv's papers (vLLM, Ollama, any OpenAI-style server)",
            "file": "a file or address of papers that a model has scored",
        },
    )
    place = model_url = model = ""
    if scores == "file":
        place = _ask_text(ask, "   Its path or address", "papers.jsonl", _check_place)
    elif scores == "model":
        model_url = _ask_text(ask, "   The server's address", "http://localhost:11434/v1", _check_address)
        model = _ask_text(ask, "   The server's name of the model", "qwen3:32b", str.strip)
    domains = _ask_text(
        ask, "3. Which fields? Groups or arXiv categories, with commas", ", ".join(FIELDS), _check_domains
    )
    at, zone = _ask_text(
        ask, "4. At what hour, and where?", f"09:00 {_find_local_zone()}", _check_hour
    ).split()
    contact = ""
    if scores != "file":
        question = "5. A mail or web address of yours, which arXiv asks for (- for none)"
        contact = _ask_text(ask, question, "-", _check_contact)
    return Answers(
        platforms[platform], scores, place, model_url, model, tuple(domains.split(", ")), at, zone,
        "" if contact == "-" else contact,
    )  # fmt: skip


def _ask_choice(ask: Callable[[str], str], question: str, choices: Mapping[str, str]) -> str:
    """Ask for one of the names of `choices`, which have their meanings as values. The first is proposed."""
    width = max(map(len, choices))
    lines = (f"   {name:<{width}}  {meaning}" for name, meaning in choices.items())
    print_lines(question, *lines)

    def check_choice(answer: str) -> str:
        found = [name for name in choices if name.startswith(answer.lower())]
        if len(found) != 1:
            raise ValueError(f"{answer[:40]!r} is none of {', '.join(choices)}")
        return found[0]

    return _ask_text(ask, "  ", next(iter(choices)), check_choice)


def _ask_text(ask: Callable[[str], str], question: str, proposal: str, check: Callable[[str], str]) -> str:
    """Ask until `check` accepts the answer, and return what it makes of it. Raises NoAnswerError.

    `check` raises ValueError or InputError with the reason.
    """
    for _ in range(MAX_TRIES):
        try:
            answer = ask(f"{question} [{proposal}] ").strip() or proposal
        except EOFError:
            answer = proposal
        try:
            return check(answer)
        except (ValueError, InputError) as error:
            sentence = f"That {error}" if str(error).startswith(("is ", "names ")) else str(error)
            print_lines(f"   {sentence if sentence.endswith(('.', '?')) else f'{sentence}.'}")
    raise NoAnswerError(f"No answer that can be used to: {question.strip() or 'the choice'}.")


def _check_place(answer: str) -> str:
    return validate_web_address(answer) if "://" in answer else answer


def _check_address(answer: str) -> str:
    if "://" not in answer:
        raise ValueError(f'is {answer[:60]!r}; write an address such as "http://localhost:8000/v1"')
    return validate_web_address(answer)


def _check_domains(answer: str) -> str:
    domains = [" ".join(domain.split()) for domain in answer.split(",") if domain.strip()]
    for domain in domains:
        resolve_domain(domain)
    if not domains:
        raise ValueError("names no field")
    return ", ".join(domains)


def _check_hour(answer: str) -> str:
    at, _, zone = answer.partition(" ")
    at = at.zfill(5)
    parse_clock_time(at)
    return f"{at} {validate_time_zone(zone.strip() or _find_local_zone())}"


def _check_contact(answer: str) -> str:
    if answer != "-" and not ("@" in answer or "." in answer):
        raise ValueError(f'is {answer[:60]!r}; write an address such as "you@example.org", or -')
    return answer


def _find_local_zone() -> str:
    """Return the IANA name of this machine's time zone, "UTC" if it has none."""
    from tzlocal import get_localzone_name

    try:
        zone = validate_time_zone(get_localzone_name() or "UTC")
        return "UTC" if zone in ("Etc/UTC", "Etc/UCT", "Etc/GMT", "GMT") else zone
    except (LookupError, ValueError):  # A zone such as "local", or a file that is no zone.
        return "UTC"


def render_settings(answers: Answers) -> str:
    """Render the settings file: what was answered, and where to read on."""
    quote = _quote_text
    domains = f"[{', '.join(map(quote, answers.domains))}]"
    tables = ["# Written by `paperround init`. Every key: docs/settings.md.\nversion = 1"]
    if answers.contact:
        tables.append(f"[fetching]\ncontact = {quote(answers.contact)}")
    if answers.model_url:
        tables.append(
            "# A key, if the server wants one, goes into the environment: PAPERROUND_REVIEWER_KEY.\n"
            f"[reviewer]\nbase_url = {quote(answers.model_url)}\nmodel = {quote(answers.model)}"
        )
    if answers.place:
        key = "url" if "://" in answers.place else "path"
        tables.append(f'[[sources]]\nkind = "reviews"\n{key} = {quote(answers.place)}')
    else:
        tables.append(f'[[sources]]\nkind = "arxiv"\ncategories = {domains}')
        tables.append('[[sources]]\nkind = "huggingface"')
    is_local = not answers.platform.main_secret
    digest = (
        f"[[subscriptions]]\nplatform = {quote(answers.platform.name)}\n"
        f"channel = {quote('papers' if is_local else 'CHANNEL')}\nat = {quote(answers.at)}\n"
        f"time_zone = {quote(answers.time_zone)}\ndomains = {domains}"
    )
    if is_local:
        tables.append(digest)
    else:
        tables.append(
            "# People bring digests to channels with /digest subscribe. Or name a channel here, by its id:\n"
            + "\n".join(f"#{line}" for line in digest.splitlines())
        )
    return "\n\n".join(tables) + "\n"


def _quote_text(text: str) -> str:
    """Return a text as a basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def write_settings(file: Path, text: str) -> None:
    """Check a settings file's text, and write it to a new file. Raises SettingsError and InputError.

    The file appears whole or not at all, and another's file of the same name is never overwritten.
    """
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        try:
            unfinished.write_text(text, encoding="utf-8")
            load_settings(unfinished, {}, find_settings_models())
            os.link(unfinished, file)
        finally:
            unfinished.unlink(missing_ok=True)
    except SettingsError as error:
        raise SettingsError(str(error).replace(str(unfinished), str(file))) from None
    except FileExistsError:
        raise InputError(f"{file} was made by somebody else meanwhile, and is not overwritten.") from None
    except (OSError, UnicodeEncodeError) as error:
        reason = getattr(error, "strerror", None) or "it has a character that is no text"
        raise InputError(
            f"{file} could not be written ({reason}): choose a folder that you may write to."
        ) from None


def describe_next_steps(answers: Answers, file: Path) -> list[str]:
    """Return the lines that say what to do now."""
    option = "" if file == DEFAULT_PATH else f" --config {file}"
    command = f"paperround{option}"
    spec = answers.platform
    steps = []
    if spec.render_manifest:
        steps.append(f"{command} manifest {spec.name}   # make the app from it, and install it: README.md")
    if spec.required_secrets:
        steps.append(f"export {spec.main_secret}=…   # {spec.required_secrets}")
    if spec.fetch_invitation:
        steps.append(f"{command} invite {spec.name}   # the link that brings it into your server")
    if answers.place:
        steps.append(f"{command} import {answers.place}   # the first papers, at once")
    else:
        steps.append(f"{command} fetch   # the first papers, at once")
    steps += [
        f"{command} doctor   # what is wrong, and what to do",
        f"{command} preview   # today's digest, shown here",
        f"{command} run   # every digest at its hour, until stopped",
    ]
    after = []
    if spec.main_secret:
        answer = f"{' '.join(answers.domains[:3])} at {answers.at}".replace(",", "")
        after = ["", f"Then, in a channel: /digest subscribe {answer}"]
    return [f"{file} is written. Next:", "", *(f"  {step}" for step in steps), *after]
