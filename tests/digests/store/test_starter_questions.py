"""Saved questions about papers."""

from datetime import timedelta

import pytest

from tests.builders import NOW, a_store

pytestmark = pytest.mark.usefixtures("over_both")

LATER = NOW + timedelta(hours=1)


def test_the_questions_that_were_there_at_an_instant_are_found() -> None:
    questions = a_store().starter_questions
    questions.save("kto", {"1": "Why “so”?", "2": ""}, now=NOW)
    questions.save("kto", {"3": "How?"}, now=LATER)
    questions.save("dpo", {"1": "When?"}, now=NOW)
    assert questions.find("kto", until=NOW - timedelta(seconds=1)) == {}
    assert questions.find("kto", until=NOW) == {"1": "Why “so”?"}
    assert questions.find("kto", until=LATER) == {"1": "Why “so”?", "3": "How?"}
    assert questions.find("lora", until=LATER) == {}


def test_a_saved_question_does_not_change() -> None:
    questions = a_store().starter_questions
    questions.save("kto", {"1": "Why?", "2": ""}, now=NOW)
    questions.save("kto", {"1": "How?", "2": "When?"}, now=NOW)
    assert questions.find("kto", until=LATER) == {"1": "Why?"}


def test_limitations_that_got_no_question_were_asked_about_too() -> None:
    questions = a_store().starter_questions
    questions.save("kto", {"1": "Why?", "2": ""}, now=NOW)
    assert questions.list_asked(["kto", "dpo"]) == {"kto": {"1", "2"}}
    assert questions.list_asked([]) == {}
