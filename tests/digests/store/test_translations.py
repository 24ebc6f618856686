"""Saved translations of reviews."""

from datetime import timedelta

import pytest

from digests.model import ReviewTexts
from tests.builders import NOW, a_store

pytestmark = pytest.mark.usefixtures("over_both")

GERMAN = ReviewTexts("Es läuft: “ja”.", ("Nur Englisch", "日本語"))


def test_a_translation_is_found_by_language_paper_and_source() -> None:
    translations = a_store().translations
    translations.save("a", "de", "1", GERMAN, now=NOW)
    translations.save("a", "fr", "1", ReviewTexts("Ça marche."), now=NOW)
    translations.save("b", "de", "2", ReviewTexts(""), now=NOW)
    assert translations.find("de", {"a": "1", "b": "2", "c": "3"}) == {"a": GERMAN, "b": ReviewTexts("")}
    assert translations.find("fr", {"a": "1", "b": "2"}) == {"a": ReviewTexts("Ça marche.")}
    assert translations.find("de", {"a": "another"}) == {}
    assert translations.find("de", {}) == {}


def test_a_translation_takes_the_place_of_that_of_an_earlier_review() -> None:
    translations = a_store().translations
    translations.save("a", "de", "1", ReviewTexts("Alt."), now=NOW)
    translations.save("a", "de", "2", GERMAN, now=NOW + timedelta(days=1))
    assert translations.find("de", {"a": "1"}) == {}
    assert translations.find("de", {"a": "2"}) == {"a": GERMAN}
