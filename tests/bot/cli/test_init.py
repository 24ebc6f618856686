"""`paperround init`: five questions, a settings file, and the next steps."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.conversation.command_words import parse_digest_command
from bot.platforms.registry import find_settings_models
from config.load import load_settings
from config.settings import Settings

RunInit = Callable[..., int]


@pytest.fixture
def run_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunInit:
    """Return a function that runs the command in an empty folder, with lines that are typed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PAPERROUND_CONFIG", raising=False)

    def run(*lines: str, arguments: tuple[str, ...] = ()) -> int:
        typed = iter(lines)

        def read_line(prompt: str) -> str:
            try:
                return next(typed)
            except StopIteration:
                raise EOFError from None

        monkeypatch.setattr("builtins.input", read_line)
        return main([*arguments, "init"])

    return run


def read_settings(file: Path = Path("paperround.toml")) -> Settings:
    return load_settings(file, {}, find_settings_models())


def test_enter_alone_gives_a_digest_on_the_terminal(
    run_init: RunInit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_init("", "", "", "", "") == 0
    settings = read_settings()
    assert [source.kind for source in settings.sources] == ["arxiv", "huggingface"]
    (digest,) = settings.subscriptions
    assert (digest.platform, digest.channel) == ("console", "papers")
    assert digest.domains == ("language", "vision", "learning", "ai")
    assert "paperround fetch" in capsys.readouterr().out


def test_the_end_of_the_input_takes_every_proposal(run_init: RunInit) -> None:
    assert run_init() == 0
    assert read_settings().subscriptions


def test_a_team_with_a_model_gets_its_settings_and_the_steps_of_its_platform(
    run_init: RunInit, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ("http://gpu:8000/v1", "Qwen/Qwen3.6-27B-Instruct")
    assert run_init("slack", "model", *model, "Vision, cs.cl", "8:30 Asia/Tokyo", "ada@example.org") == 0
    settings = read_settings()
    assert (settings.reviewer.base_url, settings.reviewer.model) == model
    assert settings.fetching.contact == "ada@example.org"
    assert settings.sources[0].categories == ("Vision", "cs.cl")
    assert settings.subscriptions == ()
    shown = capsys.readouterr().out
    assert "manifest slack" in shown
    assert "export SLACK_BOT_TOKEN=" in shown
    assert "doctor" in shown
    (command,) = (line for line in shown.splitlines() if "/digest subscribe" in line)
    assert "08:30" in command
    parse_digest_command(command.partition("/digest ")[2])


def test_the_digest_that_stands_as_a_comment_is_valid_without_its_signs(run_init: RunInit) -> None:
    assert run_init("discord", "votes", "robotics", "07:05 Europe/Berlin", "-") == 0
    file = Path("paperround.toml")
    lines = file.read_text().splitlines()
    file.write_text("\n".join(line.removeprefix("#") if line[1:2] != " " else line for line in lines))
    (digest,) = read_settings().subscriptions
    assert (digest.platform, digest.channel, digest.time_zone) == ("discord", "CHANNEL", "Europe/Berlin")


@pytest.mark.parametrize(
    ("place", "path", "url"),
    [
        ("reviews/", "reviews/", ""),
        ("https://host/papers.jsonl", "", "https://host/papers.jsonl"),
        ('a "quoted" \\ name\x7f.jsonl', 'a "quoted" \\ name\x7f.jsonl', ""),
    ],
)
def test_a_file_of_scored_papers_becomes_a_source(run_init: RunInit, place: str, path: str, url: str) -> None:
    assert run_init("console", "file", place, "vision", "09:00 UTC") == 0
    (source,) = read_settings().sources
    assert (source.kind, source.path, source.url) == ("reviews", path, url)


def test_an_answer_that_cannot_be_used_gets_a_sentence_and_another_try(
    run_init: RunInit, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = ("teams", "slack", "v", "vison", "vision", "25:00 UTC", "9:00 Berlin", "9:00 UTC", "me", "-")
    assert run_init(*answers) == 0
    shown = capsys.readouterr().out
    assert "'teams' is none of" in shown
    assert "did you mean 'vision'?" in shown
    assert "25:00" in shown
    assert 'did you mean "Europe/Berlin"?' in shown
    assert 'write an address such as "you@example.org", or -' in shown


def test_wrong_answers_end_at_last_and_nothing_is_written(
    run_init: RunInit, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run_init(*["teams"] * 20) == 1
    assert "Nothing was written." in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_never_overwritten(run_init: RunInit, capsys: pytest.CaptureFixture[str]) -> None:
    Path("paperround.toml").write_text("version = 1\n")
    assert run_init() == 1
    assert "is not overwritten" in capsys.readouterr().err
    assert Path("paperround.toml").read_text() == "version = 1\n"
    assert run_init(arguments=("--config", "other.toml")) == 0
    assert read_settings(Path("other.toml")).subscriptions


def test_a_folder_that_cannot_be_written_gets_a_sentence(
    run_init: RunInit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_init(arguments=("--config", "no/such/folder/p.toml")) == 1
    error = capsys.readouterr().err
    assert "choose a folder that you may write to" in error
    assert "Traceback" not in error


def test_half_a_character_is_refused_and_leaves_nothing(
    run_init: RunInit, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run_init("console", "file", "a\ud800.jsonl", "vision", "09:00 UTC") == 1
    assert "could not be written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
