"""The models of the settings file, one class a table. `example.toml` explains every key.

Relative paths (`store.url`, `search.directory`, a platform's files) count from the working directory.
"""

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
)

from config.problems import quote_value
from config.validators import (
    base_url_validator,
    parse_clock_time,
    require_days,
    validate_store_url,
    validate_time_zone,
    validate_web_address,
)

SETTINGS_VERSION = 1

MAX_ENTRY_CHARACTERS = 100
"""Longest domain, keyword or muted word of a subscription."""

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
StrippedText = Annotated[str, StringConstraints(strip_whitespace=True)]
RequiredText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
ShortText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_ENTRY_CHARACTERS)
]
ShortTexts = Annotated[tuple[ShortText, ...], Field(strict=False)]
Weekdays = Annotated[tuple[Weekday, ...], Field(strict=False), AfterValidator(require_days)]
WebAddress = Annotated[str, AfterValidator(validate_web_address)]


TableT = TypeVar("TableT", bound="SettingsTable")


class SettingsTable(BaseModel):
    """Base of every table: unknown keys are refused, values keep their TOML type and never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class StoreSettings(SettingsTable):
    """Where papers, reviews, subscriptions and deliveries are kept."""

    url: Annotated[str, AfterValidator(validate_store_url)] = Field(
        default="sqlite:///paperround.db", description="An SQLite file or a PostgreSQL database."
    )


class SearchSettings(SettingsTable):
    """The search index, which can be thrown away and is built again from the store."""

    directory: str = Field(
        default="", description="Where the index lies; empty: beside the store, as `<store file>.search`."
    )


class DigestSettings(SettingsTable):
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


class DeliverySettings(SettingsTable):
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


class PlatformTables(SettingsTable):
    """Base of `[platforms]`: one table a platform, which `build_settings_model` adds."""


class DiscussionSettings(SettingsTable):
    """The queue of papers that people marked."""

    queue: Literal["everyone", "channel"] = Field(
        default="everyone",
        description="One queue over all channels and platforms, or one for each channel.",
    )
    mark_max_age_days: int = Field(
        default=30, ge=1, le=3650, description="Days after which a mark no longer counts in the queue."
    )


class SubscriptionSettings(SettingsTable):
    """What one channel wants to read, and when."""

    platform: RequiredText = Field(description="The name of the platform that the channel is on.")
    channel: RequiredText = Field(description="The platform's id of the channel; on the console any name.")
    workspace: StrippedText = Field(
        default="", description="The Slack team or Discord guild id; empty where there is one."
    )
    owner: StrippedText = Field(
        default="",
        description="The platform's id of the person who is told when digests fail; empty: nobody.",
    )
    at: Annotated[time, BeforeValidator(parse_clock_time)] = Field(
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


class FetchingSettings(SettingsTable):
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


def _require_one_per_channel(
    subscriptions: tuple[SubscriptionSettings, ...],
) -> tuple[SubscriptionSettings, ...]:
    first: dict[tuple[str, str, str], int] = {}
    for number, each in enumerate(subscriptions, start=1):
        before = first.setdefault((each.platform, each.workspace, each.channel), number)
        if before != number:
            raise ValueError(
                f"has the {each.platform} channel {quote_value(each.channel)} twice, as number {before} and number {number}; "
                "a channel has one subscription, so remove one of them"
            )
    return subscriptions


_KEYS_BY_KIND: Mapping[str, frozenset[str]] = {
    "arxiv": frozenset(("categories", "rss_url", "oai_url", "query_url")),
    "huggingface": frozenset(("url", "interval_minutes")),
    "reviews": frozenset(("url", "path", "interval_minutes")),
    "snapshot": frozenset(("path", "categories")),
}


class SourceSettings(SettingsTable):
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
    url: Annotated[StrippedText, AfterValidator(validate_web_address)] = Field(
        default="", description="reviews: the address of a file; huggingface: where Daily Papers are."
    )
    interval_minutes: int = Field(
        default=60, ge=1, le=10080, description="reviews, huggingface: minutes between two looks."
    )
    rss_url: Annotated[str, AfterValidator(base_url_validator("https://rss.arxiv.org/rss/"))] = Field(
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
                f"has two sources called {quote_value(each.effective_name)}, number {before} and number {number}; "
                "give each a name = ... of its own"
            )
    return sources


def _validate_source_keys(source: SourceSettings, number: int) -> None:
    allowed_keys = _KEYS_BY_KIND[source.kind]
    for key in sorted(source.model_fields_set - allowed_keys - {"kind", "name"}):
        raise ValueError(
            f"has {key} in number {number}, and a source of kind {quote_value(source.kind)} has no use for it; "
            f"its keys are {', '.join(sorted(allowed_keys))}"
        )
    missing_keys = {
        "arxiv": () if source.categories else ("categories",),
        "reviews": () if bool(source.path) != bool(source.url) else ("either path or url",),
        "snapshot": () if source.path else ("path",),
    }.get(source.kind, ())
    for missing_key in missing_keys:
        raise ValueError(
            f"needs {missing_key} in number {number}, a source of kind {quote_value(source.kind)}"
        )


class ScoreWeights(SettingsTable):
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


class ReviewerSettings(SettingsTable):
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
    full_text_url: Annotated[str, AfterValidator(base_url_validator("https://arxiv.org/"))] = Field(
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


class Settings(SettingsTable):
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
    platforms: PlatformTables = Field(default=PlatformTables(), description="One table a platform.")
    subscriptions: Annotated[
        tuple[SubscriptionSettings, ...], Field(strict=False), AfterValidator(_require_one_per_channel)
    ] = Field(default=(), description="One a channel.")

    def get_platform(self, model: type[TableT]) -> TableT:
        """Return the platform's table that `model` describes; its defaults if there is none."""
        tables = (getattr(self.platforms, name) for name in type(self.platforms).model_fields)
        return next((table for table in tables if isinstance(table, model)), model())


def build_settings_model(platform_models: Mapping[str, type[SettingsTable]]) -> type[Settings]:
    """Return `Settings` with a `[platforms.NAME]` table for each of `platform_models`.

    Subscriptions are limited to these platforms.
    """
    tables: dict[str, Any] = {
        name: (model, Field(default=model(), description=model.__doc__))
        for name, model in platform_models.items()
    }
    platforms = _extend(PlatformTables, **tables)
    platform_names: Any = Literal[tuple(platform_models)]
    platform_field = Field(description=SubscriptionSettings.model_fields["platform"].description)
    subscription: Any = _extend(SubscriptionSettings, platform=(platform_names, platform_field))
    subscriptions: Any = Annotated[
        tuple[subscription, ...], Field(strict=False), AfterValidator(_require_one_per_channel)
    ]
    return _extend(
        Settings,
        platforms=(platforms, Field(default=platforms(), description="One table a platform.")),
        subscriptions=(subscriptions, Field(default=(), description="One a channel.")),
    )


def _extend(model: type[TableT], **fields: Any) -> type[TableT]:
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, **fields)
