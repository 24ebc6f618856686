"""Lists of papers as files, by command."""

import json
from typing import Any

import pytest

from bot.chat.message import Message, Text
from bot.conversation.answers import Answers
from bot.conversation.command_words import parse_digest_command
from bot.conversation.commands import ExportPapers, ExportPerson
from bot.conversation.context import Person
from bot.conversation.fair_use import Use, find_use_of_command
from bot.present.citations import ExportFormat, ExportKind
from bot.present.exports import TEXT_CHARACTERS
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.model import Mark, MarkSource, QueueOutcome
from digests.ports import Store
from digests.ports.marks import QueueScope
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_review, a_store, find_by_id

ADA = Person("UADA", "ada")
CHANNEL, OTHER_CHANNEL, STRANGER = (
    Channel("slack", "C1", "T1"),
    Channel("slack", "C2", "T1"),
    Channel("slack", "C9", "T2"),
)
HOSTILE = '=HYPERLINK("http://evil") ../../etc/passwd <!channel> $x$ {}'


@pytest.fixture
def store() -> Store:
    store = a_store()
    papers = {"2402.01306": "KTO", "2401.00001": HOSTILE, "2401.00002": "Held"}
    store.library.add([(a_paper(paper, title=title), a_review()) for paper, title in papers.items()], now=NOW)
    for paper in ("2402.01306", "2401.00001", "2401.00002"):
        store.marks.set_mark(Mark(CHANNEL, "", paper, "UADA", MarkSource.BUTTON, NOW), True)
    store.moderation.hold("2401.00002", "suspect", now=NOW)
    return store


def export(store: Store, text: str, channel: Channel = CHANNEL, **options: Any) -> Message:
    answers = Answers(store, find_by_id(store), DigestPolicy(), lambda: NOW, **options)
    return answers.run_digest_command(f"export {text}", channel, ADA).message


@pytest.mark.parametrize(
    ("text", "kind", "export_format"),
    [
        ("queue", ExportKind.QUEUE, ExportFormat.MARKDOWN),
        ("the Queue as BIB", ExportKind.QUEUE, ExportFormat.BIBTEX),
        ("marks --as json", ExportKind.MARKS, ExportFormat.JSON),
        ("discussed bibtex.", ExportKind.DISCUSSIONS, ExportFormat.BIBTEX),
        ("discussions csl", ExportKind.DISCUSSIONS, ExportFormat.CSL),
    ],
)
def test_a_list_and_a_format_are_read(text: str, kind: ExportKind, export_format: ExportFormat) -> None:
    assert parse_digest_command(f"export {text}") == ExportPapers(kind, export_format)
    assert find_use_of_command(f"export {text}") is Use.FILE


@pytest.mark.parametrize(
    "text", ["", "everything", "queue pdf", "queue bib json", "as", "../x", "queue " * 900]
)
def test_another_text_is_answered_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="export discussions bib"):
        parse_digest_command(f"export {text}")


def test_the_export_of_a_person_is_still_a_command_of_its_own() -> None:
    assert parse_digest_command("export me") == ExportPerson()


def test_the_queue_is_exported_without_held_papers_and_without_names(store: Store) -> None:
    answer = export(store, "queue json")
    assert answer.file
    assert answer.file.name == "queue.json"
    records = json.loads(answer.file.content)
    assert [record["id"] for record in records] == ["2401.00001", "2402.01306"]
    assert b"UADA" not in answer.file.content
    assert answer.summary == "2 papers to discuss, as JSON: queue.json"


@pytest.mark.parametrize("export_format", list(ExportFormat))
def test_hostile_titles_name_no_file(store: Store, export_format: ExportFormat) -> None:
    answer = export(store, f"queue {export_format}")
    assert answer.file
    expected = "queue.csl.json" if export_format is ExportFormat.CSL else f"queue.{export_format}"
    assert answer.file.name == expected
    assert "etc/passwd" not in answer.summary


def test_no_line_of_a_list_begins_as_a_formula(store: Store) -> None:
    for export_format in ExportFormat:
        file = export(store, f"queue {export_format}").file
        assert file
        lines = file.content.decode().splitlines()
        assert not [line for line in lines if line.lstrip(' "').startswith(("=", "+", "@HYPER"))]


def test_a_channel_of_the_workspace_exports_the_same_queue_and_a_stranger_nothing(store: Store) -> None:
    assert export(store, "queue md", OTHER_CHANNEL).file == export(store, "queue md").file
    assert export(store, "queue md", STRANGER).file is None
    assert export(store, "queue md", OTHER_CHANNEL, has_workspace_queue=False).file is None


def test_discussions_are_exported_with_their_day(store: Store) -> None:
    assert export(store, "discussions").summary.startswith("No paper was discussed here yet")
    store.queue_decisions.decide(
        "2402.01306", QueueScope("slack", "T1"), QueueOutcome.DISCUSSED, by="ada", by_id="x", now=NOW
    )
    answer = export(store, "discussions csl")
    assert answer.file
    assert "discussed on 24 November 2026" in answer.file.content.decode()


def test_where_no_file_can_be_sent_the_list_is_shown_and_cut_with_the_command_for_all_of_it(
    store: Store,
) -> None:
    short = export(store, "queue md").drop_file()
    assert [block.text.startswith("# To discuss") for block in short.blocks if isinstance(block, Text)] == [
        False,
        True,
    ]
    store.library.add([(a_paper("2402.01306", title="word " * 900), a_review())], now=NOW)
    long = export(store, "queue md").drop_file()
    texts = [block.text for block in long.blocks if isinstance(block, Text)]
    assert len(texts[1]) <= TEXT_CHARACTERS
    assert "“paperround export queue --as md”" in texts[2]
