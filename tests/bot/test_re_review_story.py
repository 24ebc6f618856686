"""From a doubt to the cards that say what it changed: conversation, reviewer and refresher together."""

import asyncio
from datetime import timedelta

from bot.chat.message import Message, Text
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.conversation.reports import WRONG, ReportFields
from bot.delivery.post_refresher import PostRefresher
from digests.build import DigestPolicy
from digests.model import Post
from digests.subscription import Channel
from tests.builders import NOW, find_nothing
from tests.digests.reviewers.harness import ReviewerHarness, store_with_papers
from tests.fakes.platform import MemoryPlatform, PostedPages

HERE, ELSEWHERE = Channel("slack", "C1", "T1"), Channel("slack", "C2", "T2")
ADA, EVE = Person("UADA", "ada"), Person("UEVE", "eve")
HOUR = timedelta(hours=1)


def words(message: Message) -> str:
    return "\n".join(f"{each.label} {each.text}" for each in message.blocks if isinstance(each, Text))


def test_a_doubt_is_asked_as_a_question_and_every_card_says_what_it_changed() -> None:
    reviewer = ReviewerHarness(store_with_papers(1))
    store, platform = reviewer.store, MemoryPlatform(PostedPages())
    reviewer.run_round()
    paper = reviewer.get_paper(0).paper.id
    answers = Answers(
        store,
        find_nothing,
        DigestPolicy(),
        lambda: reviewer.now,
        deciders=frozenset({"slack:T1:UEVE"}),
        can_review_again=True,
    )
    refresher = PostRefresher(
        store, {"slack": platform}, lambda: reviewer.now, HOUR, max_age=timedelta(days=14)
    )

    def refresh_cards() -> dict[str, str]:
        platform.refreshes.clear()
        asyncio.run(refresher.refresh_due_posts(asyncio.Event()))
        return {message: update.update_lines[paper] for message, update in platform.refreshes}

    for number, channel in enumerate((HERE, ELSEWHERE)):
        store.posts.record_shared(Post(channel, f"{number}", (paper,), {"text": "x"}), now=NOW)
    assert refresh_cards() == {}
    parts = answers.reports.open_form(paper, HERE).parts
    limitation = next(value for value in parts if value.startswith("limitation:"))
    doubt = ReportFields(paper, limitation, WRONG, "Section 4 has two more languages.")
    assert answers.reports.save_report(doubt, HERE, ADA).deciders == ("UEVE",)
    readers = answers.reports.load_readers(paper, HERE)
    assert "(doubted by 1 reader here)" in words(answers.lookup.show_review(paper, readers).message)
    assert answers.reports.load_readers(paper, ELSEWHERE).counts == {}

    (report,) = store.review_reports.list_open(9)
    reviewer.now += HOUR
    answers.moderation.start_re_review(str(report.id), HERE, EVE)
    assert reviewer.run_round().full_review_count == 1
    prompt = reviewer.server.requests[-1]["messages"][1]["content"]
    assert "Section 4 has two more languages.”" in prompt

    reviewer.now += HOUR
    lines = refresh_cards()
    assert set(lines) == {"0", "1"}, "in every workspace, since the review is that of all"
    assert all(line.startswith("Update: reviewed again on 24 November 2026: ") for line in lines.values())
    assert "Doubted reviews" not in str(answers.moderation.show_held_papers(HERE, EVE)), "it is answered"
