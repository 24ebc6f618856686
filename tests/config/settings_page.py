"""Writes docs/settings.md from the models of the settings: `python -m tests.config.settings_page`."""

import json
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.platforms.registry import find_settings_models
from config.settings import build_settings_model

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

INTRODUCTION = """# Settings

One TOML file: the one after `--config`, else the one that `PAPERROUND_CONFIG` names, else `paperround.toml`
in the working directory. Without a file the defaults hold. [`config/example.toml`](../config/example.toml)
is the same list as a file to copy. An unknown key, a wrong value or a secret in the file is one sentence with
the fix, and nothing starts. Relative paths count from the working directory.

This page is made from the models in `config/settings.py` and `bot/platforms/*/settings.py`
(`python -m tests.config.settings_page`).
"""


@dataclass(frozen=True)
class Table:
    """One table of the settings file, with its dotted name; the top level has none."""

    name: str
    model: type[BaseModel]
    is_list: bool = False

    @property
    def documented_fields(self) -> Mapping[str, FieldInfo]:
        """Fields that are no tables of their own."""
        return {key: field for key, field in self.model.model_fields.items() if not _find_model(field)}


def list_tables(model: type[BaseModel]) -> list[Table]:
    """Return every table in the order of the file."""
    return list(_walk_tables(Table("", model)))


def _walk_tables(table: Table) -> Iterator[Table]:
    yield table
    for key, field in table.model.model_fields.items():
        if inner := _find_model(field):
            yield from _walk_tables(
                Table(f"{table.name}.{key}".strip("."), inner, is_list=inner is not field.annotation)
            )


def _find_model(field: FieldInfo) -> type[BaseModel] | None:
    kinds = (field.annotation, *typing.get_args(field.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def render_settings_page(model: type[BaseModel]) -> str:
    """Return the page in Markdown: a section for each table, a row for each documented key."""
    return "\n".join((INTRODUCTION, *(line for table in list_tables(model) for line in _render_table(table))))


def _render_table(table: Table) -> Iterator[str]:
    if not table.documented_fields:
        return
    if table.name:
        brackets = ("[[", "]]") if table.is_list else ("[", "]")
        yield f"## `{brackets[0]}{table.name}{brackets[1]}`\n"
        yield f"{table.model.__doc__}\n"
    yield from ("| key | default | meaning |", "|---|---|---|")
    for key, field in table.documented_fields.items():
        yield f"| `{key}` | {_format_default(field)} | {field.description} |"
    yield ""


def _format_default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    match field.default:
        case None:
            return "none"
        case time() as at:
            return f'`"{at:%H:%M}"`'
        case value:
            return f"`{json.dumps(value, ensure_ascii=False)}`"


if __name__ == "__main__":
    PAGE.write_text(render_settings_page(build_settings_model(find_settings_models())), encoding="utf-8")
