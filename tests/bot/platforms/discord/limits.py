"""Strict checks of Discord's limits, written from its documentation and not from the renderer."""

import json
from collections.abc import Collection, Mapping
from typing import Any

PAGE_KEYS = {"content", "embeds", "components", "allowed_mentions", "flags"}
EMBED_KEYS = {"title", "description", "url", "color", "footer", "fields", "author", "timestamp"}
BUTTON_KEYS = {"type", "style", "label", "emoji", "custom_id"}
KNOWN_FLAGS = 1 << 2 | 1 << 12


def count_characters(text: str) -> int:
    """UTF-16 code units: the strictest reading of "characters"."""
    return len(text.encode("utf-16-le")) // 2


def check_page(
    payload: Mapping[str, Any], *, allowed_urls: Collection[str] = (), edited: bool = False
) -> None:
    """Raise AssertionError for a payload that Discord would refuse, or that could ping anybody.

    Its limits are the same for an edited page, and for any link.
    """
    json.dumps(payload, ensure_ascii=False).encode("utf-8")
    reject_unknown_keys(payload, PAGE_KEYS)
    mentions = payload["allowed_mentions"]
    assert mentions["parse"] == []
    assert set(mentions) <= {"parse", "users"}
    assert {f"<@{person}>" for person in mentions.get("users", ())} <= set(allowed_urls)
    assert payload.get("flags", 0) & ~KNOWN_FLAGS == 0
    content, embeds = payload.get("content", ""), payload.get("embeds", [])
    assert count_characters(content) <= 2000
    assert content.strip() or embeds, "nothing to see"
    assert len(embeds) <= 10
    assert sum(check_embed(embed) for embed in embeds) <= 6000
    check_components(payload.get("components", []))


def check_embed(embed: Mapping[str, Any]) -> int:
    """The characters that count towards the 6000 of a message."""
    reject_unknown_keys(embed, EMBED_KEYS)
    assert embed.get("title") or embed.get("description") or embed.get("fields"), "an empty embed"
    counted = [(embed["title"], 256)] if "title" in embed else []
    counted += [(embed["description"], 4096)] if "description" in embed else []
    fields = embed.get("fields", [])
    assert len(fields) <= 25
    for field in fields:
        reject_unknown_keys(field, {"name", "value", "inline"})
        counted += [(field["name"], 256), (field["value"], 1024)]
    if "footer" in embed:
        reject_unknown_keys(embed["footer"], {"text"})
        counted.append((embed["footer"]["text"], 2048))
    if "author" in embed:
        reject_unknown_keys(embed["author"], {"name", "url"})
        counted.append((embed["author"]["name"], 256))
    for text, limit in counted:
        assert text.strip(), "an empty part"
        assert text == text.strip(), "Discord would trim it"
        assert count_characters(text) <= limit
    check_url(embed.get("url"))
    assert 0 <= embed.get("color", 0) <= 0xFFFFFF
    return sum(count_characters(text) for text, _ in counted)


def check_url(url: str | None) -> None:
    if url is None:
        return
    assert url.startswith(("http://", "https://"))
    assert len(url) <= 2048
    assert url.isascii()
    assert not set(url) & set(" <>()\\\"'`[]\n")


def check_components(rows: list[Mapping[str, Any]]) -> None:
    assert len(rows) <= 5
    custom_ids = []
    for row in rows:
        reject_unknown_keys(row, {"type", "components"})
        assert row["type"] == 1
        assert 1 <= len(row["components"]) <= 5
        if row["components"][0]["type"] == 3:
            (select,) = row["components"]
            check_select(select)
            custom_ids.append(select["custom_id"])
            continue
        for button in row["components"]:
            reject_unknown_keys(button, BUTTON_KEYS)
            assert button["type"] == 2
            assert button["style"] in (1, 2)
            assert 1 <= count_characters(button["label"]) <= 80
            assert set(button.get("emoji", {"name": "x"})) == {"name"}
            assert 1 <= count_characters(button["custom_id"]) <= 100
            custom_ids.append(button["custom_id"])
    assert len(set(custom_ids)) == len(custom_ids), "custom_ids are unique in a message"


def check_select(select: Mapping[str, Any]) -> None:
    reject_unknown_keys(select, {"type", "custom_id", "placeholder", "options"})
    assert 1 <= count_characters(select["custom_id"]) <= 100
    assert 1 <= count_characters(select["placeholder"]) <= 150
    assert 1 <= len(select["options"]) <= 25
    for option in select["options"]:
        reject_unknown_keys(option, {"label", "value"})
        assert 1 <= count_characters(option["label"].strip()) <= 100
        assert 1 <= count_characters(option["value"]) <= 100
    values = [option["value"] for option in select["options"]]
    assert len(set(values)) == len(values), "values are unique in a menu"


def reject_unknown_keys(part: Mapping[str, Any], known: set[str]) -> None:
    assert set(part) <= known, f"unknown keys: {set(part) - known}"
