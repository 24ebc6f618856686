"""Answers with a list of papers as a file. Pure."""

from bot.chat.message import Message, Text
from bot.present.citations import ExportFormat, ExportKind
from bot.present.wording import format_count, present_sentence
from digests.model import AttachedFile
from digests.text import clip_text

TEXT_CHARACTERS = 2_500
"""Characters of a list that are shown where a file cannot be sent."""

_NOTHING = {
    ExportKind.QUEUE: "Nobody wants to discuss a paper here now: there is nothing to export.",
    ExportKind.DISCUSSIONS: "No paper was discussed here yet: there is nothing to export.",
    ExportKind.MARKS: "No paper is marked here: there is nothing to export.",
}

_OF_KIND = {
    ExportKind.QUEUE: "to discuss",
    ExportKind.DISCUSSIONS: "that were discussed",
    ExportKind.MARKS: "that are marked",
}


def present_nothing_to_export(kind: ExportKind) -> Message:
    """Build the answer for an empty list."""
    return present_sentence(_NOTHING[kind])


def present_export(file: AttachedFile, kind: ExportKind, export_format: ExportFormat, count: int) -> Message:
    """Build the answer with a list as a file. Where none can be sent, it has the beginning of the list."""
    text = file.content.decode()
    sentence = f"{format_count(count, 'paper')} {_OF_KIND[kind]}, as {export_format.label}: {file.name}"
    blocks = [Text(clip_text(text, TEXT_CHARACTERS))]
    if len(text) > TEXT_CHARACTERS:
        note = (
            "This is the beginning. Whoever runs Paperround gets all of it by "
            f"“paperround export {kind} --as {export_format}”."
        )
        blocks.append(Text(note, is_small_print=True))
    return Message(sentence, (Text(sentence),), file, tuple(blocks))
