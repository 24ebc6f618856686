"""What the operator writes: one TOML file, checked whole before anything starts. `example.toml` is its reference.

Relative paths in it (`store.url`, `search.directory`, `platforms.console.transcript`) count from the working directory.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails

SETTINGS_VERSION = 1
PATH_VARIABLE = "PAPERROUND_CONFIG"
DEFAULT_PATH = Path("paperround.toml")

STORE_SCHEMES = ("sqlite:///", "postgresql+psycopg://")
MAX_ENTRY_CHARACTERS = 100
MAX_QUOTED_CHARACTERS = 60

KeyPath = tuple[int | str, ...]


class SettingsError(Exception):
    """The settings cannot be used. `str(error)` is one sentence a problem, one problem a line: file, key and fix."""


def load_settings(path: Path | None, environment: Mapping[str, str]) -> "Settings":
    """The settings in `path`, else in the file `PAPERROUND_CONFIG` names, else in ./paperround.toml, else the defaults.

    An empty `PAPERROUND_CONFIG` counts as none. Raises `SettingsError`.
    """
    file = _choose_settings_file(path, environment)
    if file is None:
        return Settings()
    document = _parse_toml(file, _read_text(file))
    _refuse_newer_version(file, document)
    _refuse_secrets(file, document)
    return _validate_settings(file, document)


# What may be written.


def _parse_clock_time(value: object) -> time:
    if isinstance(value, str) and re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", value):
        return time.fromisoformat(value)
    if isinstance(value, time) and value == time(value.hour, value.minute):
        return value
    raise ValueError(f'is {_quote_value(value)}; write it like "09:00", from "00:00" to "23:59"')


def validate_time_zone(key: str) -> str:
    """The IANA time zone as it is written. Raises ValueError with what follows its key in a sentence."""
    try:
        ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _refuse_zone(key)
    if key.startswith(("posix/", "right/")) or key in ("localtime", "posixrules"):
        _refuse_zone(key)  # Names of some machines' files; no zone that another machine knows.
    return key


def _refuse_zone(key: str) -> NoReturn:
    near = _find_nearest_zone(key)
    fix = f'did you mean "{near}"?' if near else 'write an IANA name such as "Europe/Berlin" or "UTC"'
    raise ValueError(f"is {_quote_value(key)}, which is no time zone; {fix}")


def _find_nearest_zone(key: str) -> str | None:
    from zoneinfo import available_timezones

    zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    cities = {zone.rsplit("/", 1)[1].casefold(): zone for zone in zones}
    names = cities | {zone.casefold(): zone for zone in zones} | {"utc": "UTC"}
    near = _find_nearest(key.replace(" ", "_").casefold(), names, cutoff=0.8)
    return names[near] if near else None


def _find_nearest(word: str, words: Iterable[str], cutoff: float = 0.7) -> str | None:
    from difflib import get_close_matches

    return next(iter(get_close_matches(word[:MAX_QUOTED_CHARACTERS], words, n=1, cutoff=cutoff)), None)


def _require_days(days: tuple[str, ...]) -> tuple[str, ...]:
    if not days:
        raise ValueError('is empty; write at least one day, such as ["mon"], or remove the subscription')
    repeated = next((day for day in days if days.count(day) > 1), None)
    if repeated:
        raise ValueError(f'names "{repeated}" twice; write each day once')
    return days


def _validate_store_url(url: str) -> str:
    if not url.startswith(STORE_SCHEMES):  # The address itself stays unsaid: it may carry a password.
        raise ValueError(
            f'does not begin with {" or ".join(STORE_SCHEMES)}; write one of the two, such as "sqlite:///paperround.db"'
        )
    place, _, options = url.removeprefix("postgresql+psycopg://").partition("?")
    if url.startswith("postgresql") and (":" in place.rpartition("@")[0] or "password=" in options):
        raise ValueError(
            "carries a password; secrets are read from the environment only, so take it out and set PGPASSWORD"
        )
    return url


def _require_one_per_channel(
    subscriptions: "tuple[SubscriptionSettings, ...]",
) -> "tuple[SubscriptionSettings, ...]":
    first: dict[tuple[str, str, str], int] = {}
    for number, each in enumerate(subscriptions, start=1):
        before = first.setdefault((each.platform, each.workspace, each.channel), number)
        if before != number:
            raise ValueError(
                f"has the {each.platform} channel {_quote_value(each.channel)} twice, as number {before} and number {number}; "
                "a channel has one subscription, so remove one of them"
            )
    return subscriptions


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
StrippedText = Annotated[str, StringConstraints(strip_whitespace=True)]
RequiredText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
ShortText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_ENTRY_CHARACTERS)
]
ShortTexts = Annotated[tuple[ShortText, ...], Field(strict=False)]
Weekdays = Annotated[tuple[Weekday, ...], Field(strict=False), AfterValidator(_require_days)]


class _SettingsTable(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class StoreSettings(_SettingsTable):
    """Where papers, reviews, subscriptions and deliveries are kept."""

    url: Annotated[str, AfterValidator(_validate_store_url)] = Field(
        default="sqlite:///paperround.db", description="An SQLite file or a PostgreSQL database."
    )


class SearchSettings(_SettingsTable):
    """The search index, which can be thrown away and is built again from the store."""

    directory: str = Field(
        default="", description="Where the index lies; empty: beside the store, as `<store file>.search`."
    )


class DigestSettings(_SettingsTable):
    """What may come into a digest, for all channels alike."""

    max_age_days: int = Field(
        default=30, ge=0, le=3650, description="Papers published more days ago are not picked; 0: no limit."
    )
    first_look_back_days: int = Field(
        default=3, ge=1, le=365, description="How many days a channel's first digest looks back."
    )
    stale_after_days: int = Field(
        default=3, ge=1, le=365, description="Days without new papers after which the source is called stale."
    )
    heartbeat: Literal["off", "quiet days only", "always"] = Field(
        default="quiet days only",
        description="Whether a day without papers says why, and whether other days say that all is well.",
    )
    pick_flagged: bool = Field(
        default=True,
        description="Whether a paper with text that reads like an order to its reviewer is picked.",
    )
    domain_share: float = Field(
        default=0.6,
        ge=0.1,
        le=1,
        description="The largest share of a digest, 0.1 to 1, from one primary category while others qualify.",
    )


class DeliverySettings(_SettingsTable):
    """How digests are sent, and what happens when sending fails."""

    on_unknown: Literal["skip", "resend"] = Field(
        default="skip", description="What to do with a message that may or may not have arrived."
    )
    lease_seconds: int = Field(
        default=300,
        ge=30,
        le=3600,
        description="Seconds a process may hold a delivery before another takes it.",
    )
    attempts: int = Field(
        default=6,
        ge=1,
        le=50,
        description="How often a digest is tried at least, in a row and without a message landing between them.",
    )
    missed: Literal["merge", "newest"] = Field(
        default="merge",
        description="After downtime only the newest edition is sent: merge lets it choose from the missed ones' papers too.",
    )
    history_lag_seconds: float = Field(
        default=2,
        ge=0,
        le=60,
        description="Seconds after which a channel that does not show a message is asked once more.",
    )
    concurrency: int = Field(default=100, ge=1, le=1000, description="Deliveries under way at the same time.")
    concurrency_per_workspace: int = Field(
        default=8, ge=1, le=1000, description="Deliveries under way in one workspace at the same time."
    )
    timeout_seconds: int = Field(
        default=30, ge=1, le=300, description="Seconds to wait for a platform's answer."
    )
    refresh_days: int = Field(
        default=14,
        ge=0,
        le=365,
        description="For how many days a message is edited when its papers have news; 0: never.",
    )


class ConsoleSettings(_SettingsTable):
    """The platform that prints to the terminal."""

    transcript: str = Field(
        default="", description="A file that gets a copy of what was posted; empty: none."
    )


def _validate_api_address(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
        raise ValueError(f'is {_quote_value(url)}; write an address such as "https://slack.com/api/"')
    return url if url.endswith("/") else f"{url}/"


def _validate_command(name: str) -> str:
    if not re.fullmatch(r"/[a-z0-9_-]{1,31}", name):
        raise ValueError(
            f'is {_quote_value(name)}; write a slash and up to 31 small letters, digits, - or _, such as "/paper"'
        )
    return name


def _validate_emoji_name(name: str) -> str:
    bare = name.strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]{1,100}", bare):
        raise ValueError(
            f'is {_quote_value(name)}; write the emoji\'s name without colons, such as "bookmark"'
        )
    return bare


class SlackSettings(_SettingsTable):
    """The Slack app. Its secrets are the environment's SLACK_BOT_TOKEN, SLACK_APP_TOKEN and SLACK_SIGNING_SECRET."""

    api_base_url: Annotated[str, AfterValidator(_validate_api_address)] = Field(
        default="https://slack.com/api/", description="Where Slack's web API is."
    )
    transport: Literal["auto", "socket", "http"] = Field(
        default="auto",
        description="How Slack reaches the bot; auto: socket with SLACK_APP_TOKEN, else http.",
    )
    http_host: RequiredText = Field(default="0.0.0.0", description="The address that http listens on.")  # noqa: S104
    http_port: int = Field(
        default=3000, ge=1, le=65535, description="The port of http; events come to /slack/events."
    )
    proxy: str = Field(default="", description="An HTTP proxy for all calls to Slack; empty: none.")
    paper_command: Annotated[str, AfterValidator(_validate_command)] = Field(
        default="/paper", description="The command that looks papers up."
    )
    digest_command: Annotated[str, AfterValidator(_validate_command)] = Field(
        default="/digest", description="The command for the channel's digest."
    )
    mark_emoji: Annotated[str, AfterValidator(_validate_emoji_name)] = Field(
        default="bookmark", description="The reaction that puts a paper up for discussion."
    )
    who_may_change: Literal["anyone", "admins"] = Field(
        default="anyone", description="Who may change a channel's digest: its members, or workspace admins."
    )
    messages_per_second_per_channel: float = Field(
        default=1.0,
        gt=0,
        le=1000,
        description="The most digest messages a second to one channel; Slack's limit is 1.",
    )
    messages_per_second: float = Field(
        default=5.0,
        gt=0,
        le=1000,
        description="The most digest messages a second to one workspace; Slack allows some hundreds a minute.",
    )
    unfurl_arxiv: bool = Field(
        default=True, description="Whether an arXiv link that someone pastes gets a short card."
    )


def _validate_discord_api_address(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
        raise ValueError(f'is {_quote_value(url)}; write an address such as "https://discord.com/api/v10"')
    return url.rstrip("/")


def _validate_gateway_address(url: str) -> str:
    if not re.fullmatch(r"wss?://[^\s/?#@]+(/[^\s?#]*)?", url):
        raise ValueError(f'is {_quote_value(url)}; write an address such as "wss://gateway.discord.gg/"')
    return url if url.endswith("/") else f"{url}/"


def _validate_discord_id(text: str) -> str:
    if not re.fullmatch(r"[0-9]{15,20}", text):
        raise ValueError(f'is {_quote_value(text)}; write the id in quotes, such as "81384788765712384"')
    return text


def _validate_optional_discord_id(text: str) -> str:
    return _validate_discord_id(text) if text else ""


def _validate_reaction_emoji(emoji: str) -> str:
    is_custom = re.fullmatch(r"<a?:\w{2,32}:[0-9]{15,20}>", emoji)
    if not is_custom and (not emoji.strip() or emoji.isascii() or len(emoji) > 16):
        raise ValueError(
            f'is {_quote_value(emoji)}; write the emoji itself, such as "🔖", or one of your server as "<:name:id>"'
        )
    return emoji.strip()


DiscordId = Annotated[str, AfterValidator(_validate_discord_id)]


class DiscordSettings(_SettingsTable):
    """The Discord app. Its secret is the environment's DISCORD_TOKEN."""

    api_base_url: Annotated[str, AfterValidator(_validate_discord_api_address)] = Field(
        default="https://discord.com/api/v10", description="Where Discord's API is."
    )
    gateway_url: Annotated[str, AfterValidator(_validate_gateway_address)] = Field(
        default="wss://gateway.discord.gg/", description="Where Discord's gateway is."
    )
    command_server_ids: Annotated[tuple[DiscordId, ...], Field(strict=False)] = Field(
        default=(), description="Ids of the servers that get the commands at once; empty: all servers."
    )
    mark_emoji: Annotated[str, AfterValidator(_validate_reaction_emoji)] = Field(
        default="🔖", description="The reaction that puts a paper up for discussion."
    )
    who_may_change: Literal["managers", "anyone"] = Field(
        default="managers",
        description="Who may change a channel's digest: who may manage the server, or anyone.",
    )
    messages_per_second_per_channel: float = Field(
        default=1.0,
        gt=0,
        le=1000,
        description="The most digest messages a second to one channel; Discord allows 5 in 5.",
    )
    messages_per_second: float = Field(
        default=40.0,
        gt=0,
        le=1000,
        description="The most digest messages a second in all; Discord allows a bot 50 requests.",
    )
    manager_role: Annotated[str, AfterValidator(_validate_optional_discord_id)] = Field(
        default="", description="The id of a role whose members may change digests too; empty: none."
    )


class PlatformSettings(_SettingsTable):
    """One table a platform."""

    console: ConsoleSettings = Field(default=ConsoleSettings(), description="The terminal.")
    slack: SlackSettings = Field(default=SlackSettings(), description="The Slack app.")
    discord: DiscordSettings = Field(default=DiscordSettings(), description="The Discord app.")


class DiscussionSettings(_SettingsTable):
    """The queue of papers that people marked."""

    queue: Literal["everyone", "channel"] = Field(
        default="everyone",
        description="One queue over all channels and platforms, or one for each channel.",
    )
    mark_max_age_days: int = Field(
        default=30, ge=1, le=3650, description="Days after which a mark no longer counts in the queue."
    )


class SubscriptionSettings(_SettingsTable):
    """What one channel wants to read, and when."""

    platform: Literal["console", "slack", "discord"] = Field(description="Where the channel is.")
    channel: RequiredText = Field(description="The platform's id of the channel; on the console any name.")
    workspace: StrippedText = Field(
        default="", description="The Slack team or Discord guild id; empty where there is one."
    )
    owner: StrippedText = Field(
        default="",
        description="The platform's id of the person who is told when digests fail; empty: nobody.",
    )
    at: Annotated[time, BeforeValidator(_parse_clock_time)] = Field(
        default=time(9), description="Local time of the digest, HH:MM, 24 hours."
    )
    days: Weekdays = Field(
        default=("mon", "tue", "wed", "thu", "fri"), description="Local days with a digest."
    )
    time_zone: Annotated[str, AfterValidator(validate_time_zone)] = Field(
        default="UTC", description="The IANA time zone of `at` and `days`."
    )
    domains: ShortTexts = Field(
        default=(), description="arXiv categories or named groups; with `keywords` empty too: everything."
    )
    keywords: ShortTexts = Field(default=(), description="Words that make a paper wanted in any domain.")
    muted: ShortTexts = Field(default=(), description="Domains or words that keep a paper out.")
    top: int = Field(default=5, ge=1, le=50, description="The most papers in a digest.")
    min_score: float | None = Field(
        default=None,
        ge=0,
        le=10,
        description="The lowest score, 0 to 10, that is picked; none: no threshold.",
    )
    style: Literal["cards", "compact", "thread"] = Field(
        default="cards", description="One message a paper, one message in all, or the cards in a thread."
    )


class FetchingSettings(_SettingsTable):
    """How sources are asked."""

    contact: StrippedText = Field(
        default="",
        description="A mail address or web address that servers may write to; it is sent with every request.",
    )
    proxy: str = Field(default="", description="An HTTP proxy for all requests to sources; empty: none.")
    arxiv_gap_seconds: float = Field(
        default=3.0,
        ge=0,
        le=600,
        description="Seconds between two requests to arXiv, of all processes together; arXiv asks for 3.",
    )


def _validate_web_address(url: str) -> str:
    if url and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?(\?[^\s#]*)?", url):
        raise ValueError(f'is {_quote_value(url)}; write an address such as "https://host/papers.jsonl"')
    return url


WebAddress = Annotated[str, AfterValidator(_validate_web_address)]

_KEYS_BY_KIND: Mapping[str, frozenset[str]] = {
    "arxiv": frozenset(("categories", "rss_url", "oai_url", "query_url")),
    "huggingface": frozenset(("url", "interval_minutes")),
    "reviews": frozenset(("url", "path", "interval_minutes")),
    "snapshot": frozenset(("path", "categories")),
}


class SourceSettings(_SettingsTable):
    """Where papers come from."""

    kind: Literal["arxiv", "huggingface", "reviews", "snapshot"] = Field(
        description="What kind of source it is."
    )
    name: StrippedText = Field(default="", description="Its own name among the sources; empty: its kind.")
    categories: ShortTexts = Field(
        default=(), description="arxiv, snapshot: categories or named groups; for a snapshot none means all."
    )
    path: StrippedText = Field(
        default="", description="reviews: a file or a folder that is watched; snapshot: a file."
    )
    url: Annotated[StrippedText, AfterValidator(_validate_web_address)] = Field(
        default="", description="reviews: the address of a file; huggingface: where Daily Papers are."
    )
    interval_minutes: int = Field(
        default=60, ge=1, le=10080, description="reviews, huggingface: minutes between two looks."
    )
    rss_url: Annotated[str, AfterValidator(_validate_api_address)] = Field(
        default="https://rss.arxiv.org/rss/", description="arxiv: where the daily feeds are."
    )
    oai_url: WebAddress = Field(
        default="https://oaipmh.arxiv.org/oai", description="arxiv: where the records are."
    )
    query_url: WebAddress = Field(
        default="https://export.arxiv.org/api/query", description="arxiv: where single papers are."
    )

    @property
    def effective_name(self) -> str:
        """Its name, or else its kind."""
        return self.name or self.kind


def _validate_sources(sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
    first: dict[str, int] = {}
    for number, each in enumerate(sources, start=1):
        _validate_source_keys(each, number)
        if (before := first.setdefault(each.effective_name, number)) != number:
            raise ValueError(
                f"has two sources called {_quote_value(each.effective_name)}, number {before} and number {number}; "
                "give each a name = ... of its own"
            )
    return sources


def _validate_source_keys(source: SourceSettings, number: int) -> None:
    allowed_keys = _KEYS_BY_KIND[source.kind]
    for key in sorted(source.model_fields_set - allowed_keys - {"kind", "name"}):
        raise ValueError(
            f"has {key} in number {number}, and a source of kind {_quote_value(source.kind)} has no use for it; "
            f"its keys are {', '.join(sorted(allowed_keys))}"
        )
    missing_keys = {
        "arxiv": () if source.categories else ("categories",),
        "reviews": () if bool(source.path) != bool(source.url) else ("either path or url",),
        "snapshot": () if source.path else ("path",),
    }.get(source.kind, ())
    for missing_key in missing_keys:
        raise ValueError(
            f"needs {missing_key} in number {number}, a source of kind {_quote_value(source.kind)}"
        )


class ScoreWeights(_SettingsTable):
    """How much each dimension counts in the score; only their proportion matters."""

    methodology: float = Field(default=0.25, ge=0, le=100, description="Soundness and novelty of the method.")
    experiments: float = Field(default=0.25, ge=0, le=100, description="Whether the claims are tested.")
    reproducibility: float = Field(default=0.15, ge=0, le=100, description="Code, data and settings.")
    limitations: float = Field(default=0.10, ge=0, le=100, description="Whether they are named plainly.")
    impact: float = Field(default=0.25, ge=0, le=100, description="Who will use it.")


def _require_positive_weight(weights: ScoreWeights) -> ScoreWeights:
    if not any(weights.model_dump().values()):
        raise ValueError("has no weight over 0; give at least one dimension a weight")
    return weights


class ReviewerSettings(_SettingsTable):
    """The model that reads and scores papers. Its key is the environment's PAPERROUND_REVIEWER_KEY."""

    base_url: WebAddress = Field(
        default="", description="Where an OpenAI-compatible server is, with its /v1; empty: no reviewer."
    )
    model: StrippedText = Field(default="", description="The model's name there.")
    response_format: Literal["json_schema", "json_object", "none"] = Field(
        default="json_schema", description="How the server is told the form of its answers."
    )
    concurrency: int = Field(default=4, ge=1, le=256, description="Calls at the same time.")
    timeout_seconds: int = Field(default=180, ge=1, le=3600, description="Seconds to wait for one answer.")
    tokens_per_day: int = Field(
        default=2_000_000, ge=0, description="The most tokens of a day (UTC); 0: no limit."
    )
    cost_per_day: float = Field(default=0.0, ge=0, description="The most money of a day; 0: no limit.")
    price_in: float = Field(default=0.0, ge=0, description="The price of a million tokens that go in.")
    price_out: float = Field(default=0.0, ge=0, description="The price of a million tokens that come out.")
    full_reviews_per_day: int = Field(
        default=30, ge=0, le=10_000, description="How many of the best get a full review a day."
    )
    full_text: bool = Field(default=True, description="Whether full reviews read the full text from arXiv.")
    full_text_url: Annotated[str, AfterValidator(_validate_api_address)] = Field(
        default="https://arxiv.org/", description="Where full texts are."
    )
    text_characters: int = Field(
        default=60_000, ge=2_000, le=400_000, description="How much of a full text the model is shown."
    )
    score_answer: int = Field(
        default=700, ge=100, le=100_000, description="The most tokens of a first look's answer."
    )
    review_answer: int = Field(
        default=2_500, ge=500, le=100_000, description="The most tokens of a full review's answer."
    )
    look_back_days: int = Field(
        default=7, ge=1, le=90, description="Papers that came in longer ago are not reviewed by themselves."
    )
    hold_suspects: bool = Field(
        default=True,
        description="Whether a paper with orders to its reviewer and a score that stands out waits for a person.",
    )
    rerank: bool = Field(
        default=False,
        description="Whether the best of a day are compared in pairs, which decides their order.",
    )
    rerank_count: int = Field(default=20, ge=2, le=50, description="How many of a day's best are compared.")
    weights: Annotated[ScoreWeights, AfterValidator(_require_positive_weight)] = Field(
        default=ScoreWeights(), description="How much each dimension counts."
    )
    extra: dict[str, Any] = Field(default={}, description="What else goes into each call, for this server.")


def _require_model_name(reviewer: ReviewerSettings) -> ReviewerSettings:
    if reviewer.base_url and not reviewer.model:
        raise ValueError('has a base_url but no model; add model = "..." as the server names it')
    return reviewer


class Settings(_SettingsTable):
    """The whole file."""

    version: int = Field(default=SETTINGS_VERSION, ge=1, description="The version of this file's form.")
    store: StoreSettings = Field(default=StoreSettings(), description="Where everything is kept.")
    search: SearchSettings = Field(default=SearchSettings(), description="The search index.")
    digest: DigestSettings = Field(default=DigestSettings(), description="What may come into a digest.")
    delivery: DeliverySettings = Field(default=DeliverySettings(), description="How digests are sent.")
    discussion: DiscussionSettings = Field(
        default=DiscussionSettings(), description="The queue of marked papers."
    )
    fetching: FetchingSettings = Field(default=FetchingSettings(), description="How sources are asked.")
    sources: Annotated[tuple[SourceSettings, ...], Field(strict=False), AfterValidator(_validate_sources)] = (
        Field(default=(), description="Where papers come from; none: from imports alone.")
    )
    reviewer: Annotated[ReviewerSettings, AfterValidator(_require_model_name)] = Field(
        default=ReviewerSettings(), description="The model that reads and scores papers."
    )
    platforms: PlatformSettings = Field(default=PlatformSettings(), description="One table a platform.")
    subscriptions: Annotated[
        tuple[SubscriptionSettings, ...], Field(strict=False), AfterValidator(_require_one_per_channel)
    ] = Field(default=(), description="One a channel.")


# From a path to a document.


def _choose_settings_file(path: Path | None, environment: Mapping[str, str]) -> Path | None:
    if path is not None:
        return path
    if environment.get(PATH_VARIABLE):
        return Path(environment[PATH_VARIABLE])
    return DEFAULT_PATH if DEFAULT_PATH.exists() else None


def _read_text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(
            f"settings file {file} does not exist; check the path, or give none to use ./paperround.toml or the defaults"
        ) from None
    except IsADirectoryError:
        raise SettingsError(f"settings file {file} is a directory; name the TOML file in it") from None
    except UnicodeDecodeError:
        raise SettingsError(f"settings file {file} is not UTF-8 text; save it as UTF-8") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(
            f"settings file {file} cannot be read ({reason}); check the path and who may read it"
        ) from None


def _parse_toml(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"settings file {file} is not valid TOML: {error}; correct it there") from None
    except (ValueError, RecursionError):  # A number of thousands of digits, or lists nested hundreds deep.
        raise SettingsError(
            f"settings file {file} holds a value too large to read; compare it with example.toml"
        ) from None


def _refuse_newer_version(file: Path, document: Mapping[str, Any]) -> None:
    version = document.get("version")
    if isinstance(version, int) and version > SETTINGS_VERSION:
        raise SettingsError(
            f"settings file {file} is written for a newer Paperround (settings version {_quote_value(version)}; "
            f"this one knows {SETTINGS_VERSION}): upgrade Paperround, or write version = {SETTINGS_VERSION} and what example.toml shows"
        )


def _refuse_secrets(file: Path, document: Mapping[str, Any]) -> None:
    problems = [
        f"{file}: secrets are read from the environment only: remove {_format_key_path(loc)} and set an environment variable"
        for loc in _find_secrets(document)
    ]
    if problems:
        raise SettingsError("\n".join(problems))


SECRET_KEY_PATTERN = re.compile(
    "token(?!s_per_day)|secret|passw|credential|(^|[_-]|api)keys?$", re.IGNORECASE
)


def _find_secrets(document: Mapping[str, Any]) -> Iterator[KeyPath]:
    pending: list[tuple[KeyPath, object]] = [((), document)]
    for loc, value in pending:
        if loc and isinstance(loc[-1], str) and SECRET_KEY_PATTERN.search(loc[-1]):
            yield loc
        elif isinstance(value, dict):
            pending += [((*loc, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            pending += [((*loc, number), inner) for number, inner in enumerate(value)]


def _validate_settings(file: Path, document: dict[str, Any]) -> Settings:
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        problems = [
            f"{file}: {_format_key_path(each['loc'])} {_describe_problem(each)}" for each in error.errors()
        ]
        raise SettingsError("\n".join(problems)) from None


# From pydantic's errors to sentences.


def _describe_problem(error: ErrorDetails) -> str:
    """What follows the key in a sentence: the problem and its fix."""
    match error["type"]:
        case "value_error":
            return str(error["ctx"]["error"])
        case "extra_forbidden":
            return f"is no key that Paperround knows; {_suggest_known_key(error['loc'])}"
        case "missing":
            return f"is missing; add {error['loc'][-1]} = ... to it, as example.toml shows"
        case _:
            return f"is {_quote_value(error['input'])}; write {_describe_fix(error)}"


def _suggest_known_key(loc: KeyPath) -> str:
    known = _list_known_keys(loc[:-1])
    near = _find_nearest(str(loc[-1]), known)
    return f"did you mean {near}?" if near else f"remove it, or use one of {', '.join(known)}"


def _list_known_keys(loc: KeyPath) -> tuple[str, ...]:
    """The keys that the table at `loc` may have."""
    table: Any = Settings
    for name in (step for step in loc if isinstance(step, str)):
        annotation = table.model_fields[name].annotation
        table = next(iter(get_args(annotation)), annotation)
    return tuple(table.model_fields)


def _describe_fix(error: ErrorDetails) -> str:
    limits = error.get("ctx", {})
    match error["type"]:
        case "less_than_equal":
            return f"{limits['le']:g} or less"
        case "greater_than_equal":
            return f"{limits['ge']:g} or more"
        case "literal_error":
            return str(limits["expected"]).replace("'", '"')
        case "string_too_short":
            return "at least one character between the quotes, or remove it"
        case "string_too_long":
            return f"{limits['max_length']} characters or fewer"
        case "tuple_type" if error["loc"] in (("subscriptions",), ("sources",)):
            return f"[[{error['loc'][0]}]], in two pairs of brackets, above each one"
        case "model_type":
            return f"a table, which begins with {_format_table_header(error['loc'])}"
        case "tuple_type" if error["loc"][-1] == "days":
            return 'a list in brackets, such as ["mon", "fri"]'
        case kind:
            return _FIX_BY_ERROR_TYPE.get(kind, "what example.toml shows")


_FIX_BY_ERROR_TYPE = {
    "int_type": "a whole number without quotes",
    "float_type": "a number without quotes",
    "finite_number": "a number such as 0.5",
    "bool_type": "true or false, without quotes",
    "string_type": "it as text in quotes",
    "tuple_type": 'a list in brackets, such as ["one", "two"]',
}


def _format_table_header(loc: KeyPath) -> str:
    name = ".".join(step for step in loc if isinstance(step, str))
    return f"[[{name}]]" if isinstance(loc[-1], int) else f"[{name}]"


def _format_key_path(loc: KeyPath) -> str:
    """The place of a value, for people: "digest.max_age_days", "subscriptions, number 2: time_zone"."""
    named = joint = ""
    for step in loc:
        if isinstance(step, int):
            named, joint = f"{named}, number {step + 1}", ": "
        else:
            named, joint = f"{named}{joint}{_quote_key(step)}", "."
    return named


def _quote_key(key: str) -> str:
    bare = re.fullmatch("[A-Za-z0-9_-]+", key) and len(key) <= MAX_QUOTED_CHARACTERS
    return key if bare else _quote_value(key)


def _quote_value(value: object) -> str:
    """A value as TOML would have it, on one line and short."""
    match value:
        case str() if len(value) > MAX_QUOTED_CHARACTERS:
            return json.dumps(value[:MAX_QUOTED_CHARACTERS] + "…", ensure_ascii=False)
        case bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return "a table"
        case list():
            return "a list"
        case int() if abs(value) >= 10**MAX_QUOTED_CHARACTERS:
            return "a huge number"
        case _:
            return str(value)
