"""The registry of chat platforms: every subpackage of `bot.platforms` that exports a `SPEC`."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import bot.platforms
from digests.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from bot.chat.message import Message
    from bot.chat.port import Page, Platform
    from bot.delivery.context import DeliveryContext
    from bot.delivery.rate_limit import RateLimits
    from bot.platforms.app import ChatApp
    from bot.platforms.preview import PagePreview
    from config.settings import Settings, SettingsTable
    from digests.subscription import DigestStyle

    Renderer = Callable[[Message, DigestStyle], Sequence[Page]]

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CommandPolicy:
    """Names of the two commands on a platform, and the people who may change a channel's digest.

    `admins_label` names these people in sentences, unless `anyone_may_change`.
    """

    paper_command: str = "/paper"
    digest_command: str = "/digest"
    anyone_may_change: bool = True
    admins_label: str = "workspace admins"


@dataclass(frozen=True, slots=True)
class AllowList:
    """Rules of a platform on which anybody can add the app to a workspace: the operator decides who stays.

    `list_named` returns the ids that the platform's table in the settings names; they are always served.
    `is_id` returns True for a text that has the form of a workspace's id. `is_used` returns False under
    settings by which the platform serves one workspace alone, that of its token.
    """

    list_named: "Callable[[Settings], Collection[str]]"
    is_id: Callable[[str], bool]
    is_used: "Callable[[Settings], bool]" = lambda settings: True


def _default_policy(settings: "Settings") -> CommandPolicy:
    return CommandPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSpec:
    """One platform: its settings, its secrets, and functions that import the rest when it is used.

    `name` is its name in the settings and the store, `title` its name for people. `required_secrets` names
    the environment variables for people, and `set_up_hint` says how to set them. `secret_variables` lists
    them, `main_secret` is the first. `secret_paths` are parts of the platform's addresses after which a token
    follows; `secret_prefixes` are the beginnings of its tokens. All are empty for a platform that posts
    without an account. Such a platform gives `open_local`; the others give `build_app`, which returns None
    without their secrets. The context has the store, the clock and the timeout of a request.

    `load_preview` draws its messages on the preview page. `fetch_invitation` returns a link that adds the bot
    to a workspace. `render_manifest` returns the configuration that the platform imports. `thread_field` is
    the field of a request that names a thread: with it, a preview of payloads shows whole requests.
    `allow_list` is None on a platform that serves the one workspace of its token.
    `noisy_loggers` are loggers of which only warnings and errors are shown. A function that is None is not
    offered by the platform.

    All functions may raise InputError or SettingsError.
    """

    name: str
    title: str
    load_settings_model: "Callable[[], type[SettingsTable]]"
    load_renderer: "Callable[[Settings], Renderer]"
    load_preview: "Callable[[], PagePreview] | None" = None
    main_secret: str = ""
    secret_variables: tuple[str, ...] = ()
    secret_paths: tuple[str, ...] = ()
    secret_prefixes: tuple[str, ...] = ()
    required_secrets: str = ""
    set_up_hint: str = ""
    open_local: "Callable[[Settings, Console], Platform] | None" = None
    build_app: "Callable[[Settings, Environment, DeliveryContext], ChatApp | None] | None" = None
    load_rate_limits: "Callable[[], RateLimits] | None" = None
    build_command_policy: "Callable[[Settings], CommandPolicy]" = _default_policy
    allow_list: AllowList | None = None
    fetch_invitation: "Callable[[Settings, Environment], Awaitable[str]] | None" = None
    render_manifest: "Callable[[Settings, str], str] | None" = None
    thread_field: str = ""
    noisy_loggers: tuple[str, ...] = ()


@cache
def find_platforms() -> Mapping[str, PlatformSpec]:
    """Return the spec of each platform by name, in alphabetical order. Cached.

    Imports neither a platform's SDK nor the models of the settings.
    """
    names = sorted(each.name for each in pkgutil.iter_modules(bot.platforms.__path__) if each.ispkg)
    modules = [importlib.import_module(f"{bot.platforms.__name__}.{name}") for name in names]
    specs: list[PlatformSpec] = [module.SPEC for module in modules if hasattr(module, "SPEC")]
    return {spec.name: spec for spec in specs}


def find_settings_models() -> "Mapping[str, type[SettingsTable]]":
    """Return the settings model of each platform by name, for `load_settings`. Imports no SDK."""
    return {name: spec.load_settings_model() for name, spec in find_platforms().items()}


def render_pages(
    message: "Message", platform: str, style: "DigestStyle", settings: "Settings | None" = None
) -> "Sequence[Page]":
    """Render a message as the pages of a platform under these settings, None for the defaults.

    Raises KeyError for an unknown name.
    """
    from config.settings import Settings

    return find_platforms()[platform].load_renderer(settings or Settings.model_construct())(message, style)


@contextmanager
def require_extra(variable: str, extra: str) -> Iterator[None]:
    """Turn a failed import in the block into an InputError that names the package and its extra.

    `variable` is the environment variable that asks for the import, and `extra` the optional dependency of
    paperround that installs the package.
    """
    try:
        yield
    except ImportError as error:
        raise InputError(
            f"{variable} is set, but {error.name} is not installed: "
            f"install it with “pip install '.[{extra}]'”."
        ) from error
