"""Output of the commands: text from papers stays as it is."""

import pytest

from bot.cli.terminal import print_lines


def test_emoji_names_and_markup_in_a_title_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines("Say :smile: and [bold]use[/bold] :fire:")
    assert capsys.readouterr().out == "Say :smile: and [bold]use[/bold] :fire:\n"
