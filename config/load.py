"""Reading of the settings file: one TOML file, checked whole before anything starts."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.problems import SettingsError, describe_problem, format_key_path, quote_value
from config.secrets import find_secrets
from config.settings import SETTINGS_VERSION, Settings, SettingsTable, build_settings_model

PATH_VARIABLE = "PAPERROUND_CONFIG"
DEFAULT_PATH = Path("paperround.toml")


def load_settings(
    path: Path | None, environment: Mapping[str, str], platform_models: Mapping[str, type[SettingsTable]]
) -> Settings:
    """Read and check the settings file: `path`, else the one in `PAPERROUND_CONFIG`, else ./paperround.toml.

    An empty `PAPERROUND_CONFIG` names no file. If no file is named and ./paperround.toml does not exist, the
    defaults are returned. `platform_models` holds the model of each `[platforms.NAME]` table.

    Raises SettingsError, with one line for each problem, for a file that cannot be read, is not TOML, is
    written for a newer version, holds a secret, or has a wrong key or value.
    """
    model = build_settings_model(platform_models)
    file = choose_settings_file(path, environment)
    if file is None:
        return model.model_construct()
    document = _parse_toml(file, _read_text(file))
    _refuse_newer_version(file, document)
    _refuse_secrets(file, document)
    return _validate_document(file, document, model)


def choose_settings_file(path: Path | None, environment: Mapping[str, str]) -> Path | None:
    """Return the settings file that is read, None where the defaults hold. It need not exist."""
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
            f"settings file {file} does not exist; "
            "check the path, or give none to use ./paperround.toml or the defaults"
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
            f"settings file {file} is written for a newer Paperround "
            f"(settings version {quote_value(version)}; this one knows {SETTINGS_VERSION}): "
            f"upgrade Paperround, or write version = {SETTINGS_VERSION} and what example.toml shows"
        )


def _refuse_secrets(file: Path, document: Mapping[str, Any]) -> None:
    problems = [
        f"{file}: secrets are read from the environment only: "
        f"remove {format_key_path(loc)} and set an environment variable"
        for loc in find_secrets(document)
    ]
    if problems:
        raise SettingsError("\n".join(problems))


def _validate_document(file: Path, document: dict[str, Any], model: type[Settings]) -> Settings:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        problems = [f"{file}: {describe_problem(problem, model)}" for problem in error.errors()]
        raise SettingsError("\n".join(problems)) from None
