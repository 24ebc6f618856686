"""The models of the settings file, one class a table. `example.toml` explains every key.

Relative paths (`store.url`, `search.directory`, a platform's files) count from the working directory.
"""

from collections.abc import Iterable, Mapping
from datetime import time
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
)

from config.problems import describe_removed_key, describe_renamed_key, quote_value
from config.validators import (
    base_url_validator,
    parse_clock_time,
    refuse_channel_name,
    refuse_common_queue,
    require_days,
    validate_deciders,
    validate_operator_channel,
    validate_proxy_address,
    validate_queue_members,
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
ProxyAddress = Annotated[str, AfterValidator(validate_proxy_address)]
WebAddress = Annotated[str, AfterValidator(validate_web_address)]


TableT = TypeVar("TableT", bound="SettingsTable")


class SettingsTable(BaseModel):
    """Base of every table. It refuses unknown keys and values of another TOML type, and is immutable.

    `former_keys` has the keys of earlier versions, each with its sentence for `describe_problem`.
    """

    former_keys: ClassVar[Mapping[str, str]] = {}

    # The validators of a table are built when a file is read: without one, most commands need none.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Yield keys and values for `repr`. Addresses and free tables are hidden: they may hold secrets."""
        for name, value in super().__repr_args__():
            is_hidden = isinstance(value, dict) or (isinstance(value, str) and "://" in value)
            yield name, "(hidden)" if is_hidden and value else value


class StoreSettings(SettingsTable):
    """The database of papers, reviews, subscriptions and deliveries."""

    url: Annotated[str, AfterValidator(validate_store_url)] = Field(
        default="sqlite:///paperround.db",
        description="The database: `sqlite:///FILE` or `postgresql+psycopg://USER@HOST/DATABASE`.",
    )


class SearchSettings(SettingsTable):
    """The search index. It can be deleted at any time: it is rebuilt from the store."""

    directory: str = Field(
        default="", description="Directory of the index. Empty: beside the store, as `<store file>.search`."
    )
    glossary: dict[str, str] = Field(
        default={},
        description="Own terms and what they stand for: words, a paper's arXiv id, or the id and words.",
    )


class DigestSettings(SettingsTable):
    """Rules of every digest, the same for all channels."""

    former_keys: ClassVar[Mapping[str, str]] = {"first_look_back_days": describe_removed_key("3 days")}

    max_age_days: int = Field(
        default=30,
        ge=0,
        le=3650,
        description="Days after its publication during which a paper may be picked. 0: no limit.",
    )
    stale_after_days: int = Field(
        default=3,
        ge=1,
        le=365,
        description="Days without new papers after which a digest calls its source stale.",
    )
    heartbeat: Literal["off", "quiet days only", "always"] = Field(
        default="quiet days only",
        description="Notes of days without papers. `quiet days only`: a note says why. `off`: nothing "
        "is posted. `always`: other days also end with a line that all is well.",
    )
    review_wait_minutes: int = Field(
        default=25,
        ge=0,
        le=720,
        description="Minutes for which a digest without any score waits for the reviewer. 0: none.",
    )
    pick_flagged: bool = Field(
        default=True,
        description="Allows papers whose text reads like an order to their reviewer. Readers see a flag.",
    )
    domain_share: float = Field(
        default=0.6,
        ge=0.1,
        le=1,
        description="Largest share of a digest from one primary category that nobody asked for, rounded up, "
        "while others qualify, 0.1 to 1.",
    )
    variety_distance: float = Field(
        default=0.5,
        ge=0,
        le=10,
        description="Points that a paper of another category may be worse and still be picked for variety.",
    )


class DeliverySettings(SettingsTable):
    """Posting of digests, and its failures."""

    former_keys: ClassVar[Mapping[str, str]] = {
        "at_once": describe_removed_key("800 deliveries"),
        "at_once_a_workspace": describe_removed_key("5 deliveries"),
        "attempts": describe_removed_key("6 attempts"),
        "concurrency_per_workspace": describe_removed_key("5 deliveries"),
        "history_lag_seconds": describe_removed_key("2 seconds"),
        "keep_true_days": describe_renamed_key("refresh_days"),
        "lease_seconds": describe_removed_key("300 seconds"),
        "settle_seconds": describe_removed_key("2 seconds"),
        "time_out_seconds": describe_removed_key("30 seconds"),
        "timeout_seconds": describe_removed_key("30 seconds"),
    }

    on_unknown: Literal["skip", "resend"] = Field(
        default="skip",
        description="Policy for a message that may have arrived, when its channel cannot be read. `skip` "
        "may lose it, `resend` may repeat it.",
    )
    missed: Literal["merge", "newest"] = Field(
        default="merge",
        description="Papers of editions missed during downtime. `merge`: the next digest may pick them. "
        "`newest`: it only counts them.",
    )
    refresh_days: int = Field(
        default=14,
        ge=0,
        le=365,
        description="Days during which a posted message is refreshed, at most once an hour, when a paper "
        "in it gets a new version or review or is withdrawn. 0: never.",
    )


class PlatformTables(SettingsTable):
    """Base of `[platforms]`: `build_settings_model` adds one table for each platform."""


class QueueGroupSettings(SettingsTable):
    """A queue that workspaces or channels share, also of several platforms.

    It is shared once an admin of each has typed `/digest group join NAME` there.
    """

    name: ShortText = Field(description="Name, which the people of all members see.")
    members: Annotated[
        tuple[RequiredText, ...], Field(strict=False), AfterValidator(validate_queue_members)
    ] = Field(description="Who shares it, by ids: `platform:workspace`, or `platform:workspace:channel`.")


def _require_own_groups(groups: tuple[QueueGroupSettings, ...]) -> tuple[QueueGroupSettings, ...]:
    names = [group.name.casefold() for group in groups]
    members = [member for group in groups for member in group.members]
    for kind, values in (("name", names), ("member", members)):
        repeated = next((value for value in values if values.count(value) > 1), None)
        if repeated is not None:
            raise ValueError(
                f"has two groups with the {kind} {quote_value(repeated)}; each belongs to one group"
            )
    return groups


class DiscussionSettings(SettingsTable):
    """The queue of papers that people marked for discussion."""

    former_keys: ClassVar[Mapping[str, str]] = {"keep_days": describe_renamed_key("mark_max_age_days")}

    queue: Annotated[Literal["workspace", "channel"], BeforeValidator(refuse_common_queue)] = Field(
        default="workspace",
        description="`workspace`: one queue for the channels of a workspace or server. `channel`: one for "
        "each channel.",
    )
    mark_max_age_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="Days after which a mark no longer counts in the queue. "
        "The number on a card has no age limit.",
    )
    groups: Annotated[
        tuple[QueueGroupSettings, ...], Field(strict=False), AfterValidator(_require_own_groups)
    ] = Field(default=(), description="Queues that several workspaces share.")


class OperatorSettings(SettingsTable):
    """Decisions that count for every workspace."""

    deciders: Annotated[tuple[RequiredText, ...], Field(strict=False), AfterValidator(validate_deciders)] = (
        Field(
            default=(),
            description="People who may release or reject held papers in a chat, and have papers reviewed "
            "again, each as `PLATFORM:WORKSPACE:PERSON`. None: only the terminal decides, with "
            "`paperround held`.",
        )
    )
    channel: Annotated[str, AfterValidator(validate_operator_channel)] = Field(
        default="",
        description="Channel that is told when something fails and when it is over, as "
        "`PLATFORM:WORKSPACE:CHANNEL`. Empty: none.",
    )
    backup_folder: str = Field(
        default="",
        description="Folder in which your backups are kept. The channel is told when the newest file is "
        "older than two days. Empty: not watched.",
    )


class MonitoringSettings(SettingsTable):
    """A small HTTP port for monitors: `/health`, `/ready`, and `/metrics` for Prometheus; and the log."""

    port: int = Field(
        default=0, ge=0, le=65535, description="Port of `/health`, `/ready` and `/metrics`. 0: none."
    )
    host: RequiredText = Field(
        default="127.0.0.1",
        description="Address to listen on. Counts of all workspaces are shown to whoever can reach it.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text",
        description="Form of the log of `paperround run`: lines of text, or one JSON object a line.",
    )


class WebSettings(SettingsTable):
    """The operator's read-only page, and look-ups for programs at `/mcp`. Each needs a token."""

    enabled: bool = Field(
        default=False, description="Serve them while `paperround run` goes on. It needs the extra `web`."
    )
    host: RequiredText = Field(
        default="127.0.0.1",
        description="Address to listen on. The port speaks plain HTTP: a proxy before it adds HTTPS.",
    )
    port: int = Field(default=8780, ge=1, le=65535, description="Port to listen on.")
    names: ShortTexts = Field(
        default=(),
        description="Names under which browsers and programs reach it, such as `papers.example.org`. "
        "Requests for other names than these and this machine's own are refused.",
    )


class PrivacySettings(SettingsTable):
    """Records about people: how long they are kept."""

    retention_days: int = Field(
        default=365,
        ge=30,
        le=3650,
        description="Days after which names and ids in changes, decisions and shared cards are erased, and "
        "marks that were taken back.",
    )
    removal_grace_days: int = Field(
        default=30,
        ge=0,
        le=365,
        description="Days after which the data of a workspace that removed the app is erased. One that is "
        "back by then keeps it.",
    )
    tombstones: str = Field(
        default="",
        description="File of what was forgotten, which is no part of a backup. Empty: beside the store, as "
        "`<store file>.tombstones`; for PostgreSQL `paperround.tombstones`.",
    )


class SubscriptionSettings(SettingsTable):
    """One digest of a channel: its preferences and its schedule."""

    platform: RequiredText = Field(description="The name of the platform that the channel is on.")
    channel: Annotated[RequiredText, AfterValidator(refuse_channel_name)] = Field(
        description="The platform's id of the channel, not its name. On the console: any name."
    )
    workspace: StrippedText = Field(
        default="", description="Id of the workspace (team or server). Empty where there is only one."
    )
    name: Annotated[StrippedText, Field(max_length=30)] = Field(
        default="",
        description="Name of the digest, where a channel has several, such as `friday agents`. Empty: the "
        "channel's main digest.",
    )
    owner: StrippedText = Field(
        default="",
        description="The platform's id of the person who gets failure notices. Empty: nobody.",
    )
    at: Annotated[time, BeforeValidator(parse_clock_time)] = Field(
        default=time(9), description="Local time of the digest, `HH:MM`, 24 hours."
    )
    days: Weekdays = Field(
        default=("mon", "tue", "wed", "thu", "fri"), description="Local days with a digest."
    )
    every_weeks: Literal[1, 2] = Field(
        default=1,
        description="`1`: on these days of every week. `2`: of every second week; the week of the first "
        "edition is one of them.",
    )
    time_zone: Annotated[str, AfterValidator(validate_time_zone)] = Field(
        default="UTC", description="The IANA time zone of `at` and `days`."
    )
    domains: ShortTexts = Field(
        default=(),
        description="arXiv categories (`cs.CL`) or groups (`vision`). Neither domains nor keywords: "
        "every paper.",
    )
    keywords: ShortTexts = Field(default=(), description="Words that make a paper wanted.")
    authors: ShortTexts = Field(
        default=(), description="Authors to follow, such as `Yoshua Bengio`, `Y. Bengio` or `Bengio, Yoshua`."
    )
    match: Literal["all", "any"] = Field(
        default="any",
        description="Where there are both domains and keywords. `all`: a paper must match both. "
        "`any`: one of them is enough.",
    )
    muted: ShortTexts = Field(default=(), description="Domains or words that keep a paper out.")
    unscored: Literal["after", "leave out"] = Field(
        default="after",
        description="Papers without a score. `after`: after all others. `leave out`: not at all.",
    )
    repeat: bool = Field(
        default=False, description="Show papers too that another digest of the same channel showed."
    )
    language: StrippedText = Field(
        default="",
        description="Language of TL;DRs and limitations, such as `de`; quotes stay in the original. Empty: "
        "English, as the reviews are.",
    )
    recap: bool = Field(
        default=False,
        description="Post a recap once a week, after the first digest of the week: what was shown, marked "
        "and discussed.",
    )
    top: int = Field(default=5, ge=1, le=50, description="Most papers in a digest.")
    min_score: float | None = Field(
        default=None,
        ge=0,
        le=10,
        description="Lowest score that is picked, 0 to 10. Left out: no threshold.",
    )
    style: Literal["cards", "compact", "thread"] = Field(
        default="thread",
        description="`thread`: a compact list, with the cards in its thread. `cards`: a message per paper. "
        "`compact`: one message for all.",
    )


class FetchingSettings(SettingsTable):
    """Requests to sources."""

    former_keys: ClassVar[Mapping[str, str]] = {
        "arxiv_gap_seconds": describe_removed_key("3 seconds, as arXiv asks")
    }

    contact: StrippedText = Field(
        default="",
        description="Mail or web address of yours, sent with every request. arXiv asks for one.",
    )
    proxy: ProxyAddress = Field(default="", description="HTTP proxy for requests to sources. Empty: none.")


def _require_one_per_name(
    subscriptions: tuple[SubscriptionSettings, ...],
) -> tuple[SubscriptionSettings, ...]:
    first: dict[tuple[str, str, str, str], int] = {}
    for number, each in enumerate(subscriptions, start=1):
        name = " ".join(each.name.split()).casefold()
        before = first.setdefault((each.platform, each.workspace, each.channel, name), number)
        if before != number:
            raise ValueError(
                f"has the {each.platform} channel {quote_value(each.channel)} twice, "
                f"as number {before} and number {number}; "
                "give one of the two digests another `name`, or remove it"
            )
    return subscriptions


_KEYS_BY_KIND: Mapping[str, frozenset[str]] = {
    "arxiv": frozenset(("categories", "rss_url", "oai_url", "query_url")),
    "huggingface": frozenset(("url", "interval_minutes")),
    "reviews": frozenset(("url", "path", "interval_minutes")),
    "snapshot": frozenset(("path", "categories")),
}


class SourceSettings(SettingsTable):
    """One place that papers come from."""

    kind: Literal["arxiv", "huggingface", "reviews", "snapshot"] = Field(
        description="Kind: `arxiv`, `huggingface`, `reviews` or `snapshot`."
    )
    name: StrippedText = Field(default="", description="Name, if there are two of a kind. Empty: the kind.")
    categories: ShortTexts = Field(
        default=(), description="arxiv, snapshot: categories or groups. A snapshot without any is read whole."
    )
    path: StrippedText = Field(
        default="", description="reviews: a file, or a folder that is watched. snapshot: a file."
    )
    url: Annotated[StrippedText, AfterValidator(validate_web_address)] = Field(
        default="", description="reviews: address of a file. huggingface: address of Daily Papers."
    )
    interval_minutes: int = Field(
        default=60, ge=1, le=10080, description="reviews, huggingface: minutes between two polls."
    )
    rss_url: Annotated[str, AfterValidator(base_url_validator("https://rss.arxiv.org/rss/"))] = Field(
        default="https://rss.arxiv.org/rss/",
        description="arxiv: address of the daily feeds. For tests and proxies.",
    )
    oai_url: WebAddress = Field(
        default="https://oaipmh.arxiv.org/oai",
        description="arxiv: address of the records. For tests and proxies.",
    )
    query_url: WebAddress = Field(
        default="https://export.arxiv.org/api/query",
        description="arxiv: address of single papers. For tests and proxies.",
    )

    @property
    def effective_name(self) -> str:
        """Return the name of the source; without one, its kind."""
        return self.name or self.kind


def _validate_sources(sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
    first: dict[str, int] = {}
    for number, each in enumerate(sources, start=1):
        _validate_source_keys(each, number)
        if (before := first.setdefault(each.effective_name, number)) != number:
            raise ValueError(
                f"has two sources called {quote_value(each.effective_name)}, "
                f"number {before} and number {number}; "
                "give each a name = ... of its own"
            )
    return sources


def _validate_source_keys(source: SourceSettings, number: int) -> None:
    allowed_keys = _KEYS_BY_KIND[source.kind]
    for key in sorted(source.model_fields_set - allowed_keys - {"kind", "name"}):
        raise ValueError(
            f"has {key} in number {number}, "
            f"and a source of kind {quote_value(source.kind)} has no use for it; "
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
    """Weights of the five grades in a score. Only their proportion matters."""

    methodology: float = Field(default=0.25, ge=0, le=100, description="Soundness and novelty of the method.")
    experiments: float = Field(default=0.25, ge=0, le=100, description="Tests of the claims.")
    reproducibility: float = Field(default=0.15, ge=0, le=100, description="Code, data and settings.")
    limitations: float = Field(default=0.10, ge=0, le=100, description="Limitations that the authors name.")
    impact: float = Field(default=0.25, ge=0, le=100, description="Use to others.")


def _require_positive_weight(weights: ScoreWeights) -> ScoreWeights:
    if not any(weights.model_dump().values()):
        raise ValueError("has no weight over 0; give at least one dimension a weight")
    return weights


class PanelMemberSettings(SettingsTable):
    """A further model of the panel. The key of a server of its own: PAPERROUND_REVIEWER_KEY_1, _2 ..."""

    model: RequiredText = Field(description="The server's name of the model.")
    base_url: WebAddress = Field(
        default="", description="Address of its server. Empty: that of `[reviewer]`."
    )
    weight: float = Field(
        default=1.0,
        ge=0,
        le=100,
        description="Weight of its score, also in imported reviews by a model of this name. 0: not asked.",
    )
    share: float = Field(
        default=1.0, gt=0, le=1, description="The largest share of the day's budget that it may use."
    )


class ReviewerSettings(SettingsTable):
    """The model that reads and scores papers. A key goes into the variable `PAPERROUND_REVIEWER_KEY`."""

    former_keys: ClassVar[Mapping[str, str]] = {
        "at_once": describe_renamed_key("concurrency"),
        "full_reviews_a_day": describe_renamed_key("full_reviews_per_day"),
        "full_text_url": describe_removed_key("arXiv's"),
        "look_back_days": describe_removed_key("7 days"),
        "mode": describe_renamed_key("response_format"),
        "money_a_day": describe_renamed_key("cost_per_day"),
        "rerank_best": describe_renamed_key("rerank_count"),
        "time_out_seconds": describe_renamed_key("timeout_seconds"),
        "tokens_a_day": describe_renamed_key("tokens_per_day"),
    }

    base_url: WebAddress = Field(
        default="", description="Address of an OpenAI-compatible server, with its `/v1`. Empty: no reviewer."
    )
    model: StrippedText = Field(default="", description="The server's name of the model.")
    response_format: Literal["json_schema", "json_object", "none"] = Field(
        default="json_schema",
        description="Form of the request for JSON: `json_schema`, `json_object`, or `none`.",
    )
    concurrency: int = Field(default=4, ge=1, le=256, description="Calls at a time.")
    timeout_seconds: int = Field(default=180, ge=1, le=3600, description="Seconds to wait for one answer.")
    tokens_per_day: int = Field(default=2_000_000, ge=0, description="Most tokens a day (UTC). 0: no limit.")
    cost_per_day: float = Field(
        default=0.0, ge=0, description="Most money a day, at the prices below. 0: no limit."
    )
    price_in: float = Field(default=0.0, ge=0, description="Price of a million input tokens.")
    price_out: float = Field(default=0.0, ge=0, description="Price of a million output tokens.")
    full_reviews_per_day: int = Field(
        default=30, ge=0, le=10_000, description="Full reviews a day, for the best of the day."
    )
    requested_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="The largest share of a day's full reviews for papers that people asked for.",
    )
    full_text: bool = Field(
        default=True, description="Full reviews read the full text from arXiv. `false`: the abstract."
    )
    text_characters: int = Field(
        default=60_000, ge=2_000, le=400_000, description="Most characters of a full text in one call."
    )
    score_answer: int = Field(
        default=700,
        ge=100,
        le=100_000,
        description="Most tokens of the answer to a first look. Reasoning models need more.",
    )
    review_answer: int = Field(
        default=2_500,
        ge=500,
        le=100_000,
        description="Most tokens of the answer to a full review. Reasoning models need more.",
    )
    hold_suspects: bool = Field(
        default=True,
        description="Holds a paper with orders to its reviewer and a score that stands out, until a person "
        "decides.",
    )
    rerank: bool = Field(
        default=False,
        description="Compares the best papers of a day in pairs, which decides their order. N papers take "
        "N x (N - 1) short calls.",
    )
    rerank_count: int = Field(default=20, ge=2, le=50, description="Papers a day that are compared in pairs.")
    weights: Annotated[ScoreWeights, AfterValidator(_require_positive_weight)] = Field(
        default=ScoreWeights.model_construct(), description="Weights of the five grades."
    )
    votes: int = Field(
        default=1,
        ge=1,
        le=9,
        description="Reviews of each model for a paper that is near a border, which count as a panel.",
    )
    extra: dict[str, Any] = Field(
        default={}, description="Extra fields of each call, as this server takes them."
    )
    panel: Annotated[tuple[PanelMemberSettings, ...], Field(strict=False)] = Field(
        default=(), description="Further models. None: one model reviews."
    )


def _require_model_name(reviewer: ReviewerSettings) -> ReviewerSettings:
    if reviewer.base_url and not reviewer.model and not reviewer.panel:
        raise ValueError('has a base_url but no model; add model = "..." as the server names it')
    return reviewer


class Settings(SettingsTable):
    """The whole file."""

    version: int = Field(
        default=SETTINGS_VERSION, ge=1, description="Version of the file's format. Leave it as it is."
    )
    store: StoreSettings = Field(default=StoreSettings.model_construct(), description="The database.")
    search: SearchSettings = Field(default=SearchSettings.model_construct(), description="The search index.")
    digest: DigestSettings = Field(
        default=DigestSettings.model_construct(), description="Rules of every digest."
    )
    delivery: DeliverySettings = Field(
        default=DeliverySettings.model_construct(), description="Posting of digests."
    )
    discussion: DiscussionSettings = Field(
        default=DiscussionSettings.model_construct(), description="The queue of marked papers."
    )
    operator: OperatorSettings = Field(
        default=OperatorSettings.model_construct(), description="Decisions that count for every workspace."
    )
    monitoring: MonitoringSettings = Field(
        default=MonitoringSettings.model_construct(), description="A port for monitors."
    )
    web: WebSettings = Field(
        default=WebSettings.model_construct(), description="A page for the operator, look-ups for programs."
    )
    privacy: PrivacySettings = Field(
        default=PrivacySettings.model_construct(), description="Records about people."
    )
    fetching: FetchingSettings = Field(
        default=FetchingSettings.model_construct(), description="Requests to sources."
    )
    sources: Annotated[tuple[SourceSettings, ...], Field(strict=False), AfterValidator(_validate_sources)] = (
        Field(default=(), description="Sources of papers. None: imports alone.")
    )
    reviewer: Annotated[ReviewerSettings, AfterValidator(_require_model_name)] = Field(
        default=ReviewerSettings.model_construct(), description="The model that reads and scores papers."
    )
    platforms: PlatformTables = Field(
        default=PlatformTables.model_construct(), description="One table a platform."
    )
    subscriptions: Annotated[
        tuple[SubscriptionSettings, ...], Field(strict=False), AfterValidator(_require_one_per_name)
    ] = Field(default=(), description="One a channel.")

    def get_platform(self, model: type[TableT]) -> TableT:
        """Return the table of the platform whose model is `model`.

        Without such a table, return its defaults.
        """
        tables = (getattr(self.platforms, name) for name in type(self.platforms).model_fields)
        for table in tables:
            if isinstance(table, model):
                return table
        return model()


def build_settings_model(platform_models: Mapping[str, type[SettingsTable]]) -> type[Settings]:
    """Return `Settings` with a `[platforms.NAME]` table for each of `platform_models`, a mapping by name.

    The platform of a subscription must be one of these names.
    """
    tables: dict[str, Any] = {
        name: (model, Field(default=model.model_construct(), description=model.__doc__))
        for name, model in sorted(platform_models.items())
    }
    platforms = _extend(PlatformTables, **tables)
    platform_names: Any = Literal[tuple(sorted(platform_models))]
    platform_field = Field(description=SubscriptionSettings.model_fields["platform"].description)
    subscription: Any = _extend(SubscriptionSettings, platform=(platform_names, platform_field))
    subscriptions: Any = Annotated[
        tuple[subscription, ...], Field(strict=False), AfterValidator(_require_one_per_name)
    ]
    return _extend(
        Settings,
        platforms=(
            platforms,
            Field(default=platforms.model_construct(), description="One table a platform."),
        ),
        subscriptions=(subscriptions, Field(default=(), description="One a channel.")),
    )


def _extend(model: type[TableT], **fields: Any) -> type[TableT]:
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, **fields)
