"""Files on Slack: uploaded without a channel, and shown by a message that can be found again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.chat.attempt import with_deadline
from bot.chat.message import Message, Text
from bot.chat.port import FileRefusedError, Outcome, Page, PostError
from bot.delivery.context import DeliveryPolicy
from bot.platforms.slack.client import PICTURE_WAITS, SlackPlatform
from bot.platforms.slack.replies import ReplySender
from bot.platforms.slack.session import open_session
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.workspaces import SlackWorkspaces
from digests.model import AttachedFile
from digests.subscription import Channel, DigestStyle
from tests.fakes.slack import UPLOAD, FakeSlack, SlackFault

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50_000
PICTURE = AttachedFile("scores.png", PNG, "Scores & <marks> of the week")
SINCE = datetime(2026, 1, 1, tzinfo=UTC)

Trial = Callable[[FakeSlack, SlackPlatform, Channel], Awaitable[None]]


class Clock:
    """The time, which passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def run_trial(trial: Trial, *, is_lagging_by: float = 0.0, seconds: float = 30) -> None:
    async def run() -> None:
        clock = Clock()
        async with (
            FakeSlack(lambda: clock.now, file_lag=is_lagging_by) as slack,
            open_session(seconds) as session,
        ):
            settings = SlackSettings(api_base_url=slack.url)
            workspaces = SlackWorkspaces(slack.bot_token, settings, session, lambda: datetime.now(UTC))
            papers = Channel("slack", slack.add_channel("papers"), "T1")
            await trial(slack, SlackPlatform(workspaces, sleep=clock.sleep), papers)
            assert slack.protocol_errors == []

    asyncio.run(run())


def render_page(platform: SlackPlatform, file: AttachedFile = PICTURE) -> Page:
    (page,) = platform.render(Message("The week", (Text("The week"),), file), DigestStyle.COMPACT)
    return page


def test_a_picture_is_uploaded_without_a_channel_and_shown_by_the_last_block() -> None:
    async def trial(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        ready = await platform.upload_file(papers, render_page(platform))
        (file,) = slack.files.values()
        assert (file.name, file.content, file.shared_with) == ("scores.png", PNG, [])
        assert slack.messages_in(papers.channel) == []
        receipt = await platform.post(papers, ready, key="k", thread=None)
        (message,) = slack.messages_in(papers.channel)
        assert message["blocks"][-1] == {
            "type": "image",
            "slack_file": {"id": file.id},
            "alt_text": "Scores & <marks> of the week",
        }
        assert await platform.find(papers, key="k", since=SINCE) == receipt

    run_trial(trial)


def test_a_page_without_a_file_uploads_nothing() -> None:
    async def trial(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        page = replace(render_page(platform), file=None)
        assert await platform.upload_file(papers, page) is page
        assert slack.calls == []

    run_trial(trial)


def test_the_post_waits_until_slack_has_looked_at_the_picture() -> None:
    async def trial(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        ready = await platform.upload_file(papers, render_page(platform))
        await platform.post(papers, ready, key="k", thread=None)
        assert len(slack.messages_in(papers.channel)) == 1
        assert len(slack.calls_of("chat.postMessage")) == 4

    run_trial(trial, is_lagging_by=3.0)


def test_a_picture_that_slack_never_takes_is_told_and_nothing_was_posted() -> None:
    async def trial(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        ready = await platform.upload_file(papers, render_page(platform))
        with pytest.raises(FileRefusedError, match="Slack did not take the uploaded picture") as refused:
            await platform.post(papers, ready, key="k", thread=None)
        assert refused.value.outcome is Outcome.NOT_POSTED
        assert slack.messages_in(papers.channel) == []
        assert len(slack.calls_of("chat.postMessage")) == len(PICTURE_WAITS) + 1

    run_trial(trial, is_lagging_by=600)


def test_the_waits_for_a_picture_leave_half_of_a_posts_time() -> None:
    assert sum(PICTURE_WAITS) <= DeliveryPolicy().timeout.total_seconds() * 0.6


def test_a_refusal_for_another_reason_is_not_one_of_the_picture() -> None:
    async def trial(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        ready = await platform.upload_file(papers, render_page(platform))
        slack.channels[papers.channel].is_archived = True
        with pytest.raises(PostError) as refused:
            await platform.post(papers, ready, key="k", thread=None)
        assert refused.value.outcome is Outcome.GONE
        assert len(slack.calls_of("chat.postMessage")) == 1

    run_trial(trial)


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("files.getUploadURLExternal", SlackFault.SERVER_ERROR),
        ("files.getUploadURLExternal", SlackFault.GARBAGE),
        (UPLOAD, SlackFault.SERVER_ERROR),
        (UPLOAD, SlackFault.DROP_BEFORE),
        (UPLOAD, SlackFault.SLOW_AFTER),
        ("files.completeUploadExternal", SlackFault.SERVER_ERROR_AFTER),
        ("files.completeUploadExternal", SlackFault.DROP_AFTER),
    ],
)
def test_every_failure_of_an_upload_is_told_and_shows_nothing(method: str, fault: SlackFault) -> None:
    async def trial(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.fail_next(method, fault)
        uploading = platform.upload_file(papers, render_page(platform))
        with pytest.raises(PostError):
            await with_deadline(uploading, DeliveryPolicy().timeout)
        assert slack.messages_in(papers.channel) == []

    run_trial(trial, seconds=0.5 if fault is SlackFault.SLOW_AFTER else 30)


def test_an_upload_waits_for_a_rate_limit() -> None:
    async def trial(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.fail_next("files.completeUploadExternal", SlackFault.RATE_LIMITED)
        ready = await platform.upload_file(papers, render_page(platform))
        assert ready.file is None

    run_trial(trial)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("", "add the scope files:write on its page"),
        ("file_uploads_disabled", "Slack refused with 'file_uploads_disabled'"),
    ],
)
def test_a_workspace_that_takes_no_files_is_told_with_its_reason(error: str, sentence: str) -> None:
    async def trial(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        slack.upload_error = error
        if not error:
            slack.scopes.discard("files:write")
        with pytest.raises(PostError, match=sentence):
            await platform.upload_file(papers, render_page(platform))

    run_trial(trial)


def test_the_words_of_a_picture_are_cut_to_slacks_limit() -> None:
    async def trial(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        page = render_page(platform, replace(PICTURE, alt_text="ü" * 5000))
        await platform.post(papers, await platform.upload_file(papers, page), key="k", thread=None)
        (message,) = slack.messages_in(papers.channel)
        assert len(message["blocks"][-1]["alt_text"]) <= 2000

    run_trial(trial)


# Files for one person.

TEXT_FILE = AttachedFile("queue.md", "# To discuss ü\n".encode())
ANSWER = Message("Your <list>", (Text("Your list"),), TEXT_FILE, (Text("# To discuss"),))


async def reply_with_file(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> tuple[str, str]:
    """Answer Ada with a file. Returns her id, and the text that she reads in the channel."""
    ada = slack.add_user("ada")
    workspace = await platform.workspaces.find("T1")
    await ReplySender(workspace.client).send_response("", papers, ada, ANSWER, replace=False)
    return ada, slack.ephemeral_text(papers.channel)


def test_a_file_of_an_answer_goes_to_the_persons_direct_messages_alone() -> None:
    async def trial(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        ada, shown = await reply_with_file(slack, platform, papers)
        (file,) = slack.files.values()
        assert (file.content, file.shared_with) == (TEXT_FILE.content, [f"D{ada}"])
        assert [message["text"] for message in slack.messages_in(ada)] == ["Your &lt;list&gt;", ""]
        assert slack.messages_in(papers.channel) == []
        assert shown.splitlines() == ["Your list", "queue.md is in your direct messages with me."]

    run_trial(trial)


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("", None),
        ("files.getUploadURLExternal", SlackFault.SERVER_ERROR),
        (UPLOAD, SlackFault.SERVER_ERROR),
        ("chat.postMessage", SlackFault.SERVER_ERROR),
        ("files.completeUploadExternal", SlackFault.SERVER_ERROR),
    ],
)
def test_an_answer_whose_file_is_not_taken_has_its_text(method: str, fault: SlackFault | None) -> None:
    async def trial(slack: FakeSlack, platform: SlackPlatform, papers: Channel) -> None:
        if fault:
            slack.fail_next(method, fault)
        else:
            slack.scopes.discard("files:write")
        ada, shown = await reply_with_file(slack, platform, papers)
        assert shown.splitlines() == ["Your list", "# To discuss"]
        assert all(file.shared_with == [] for file in slack.files.values())
        if method != "files.completeUploadExternal":
            assert ada not in slack.channels or slack.messages_in(ada) == []

    run_trial(trial)
