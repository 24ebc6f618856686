"""Shared queues: the consent of all sides, and accounts that prove to be one person's."""

import re
from datetime import timedelta

import pytest

from bot.chat.message import Message, OptionRow, Text
from bot.conversation.answers import Answers
from bot.conversation.context import Person, Reply
from bot.conversation.fair_use import Use, find_use_of_command
from bot.conversation.queue_groups import CODE_LIFETIME
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.model import Mark, MarkSource, Post, QueueOutcome
from digests.ports import Store
from digests.ports.marks import QueueScope
from digests.ports.people import Subject, SubjectKind
from digests.ports.queue_groups import QueueGroup
from digests.ports.workspaces import WorkspaceState
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_review, a_store, an_installation, find_nothing

pytestmark = pytest.mark.usefixtures("over_both")

SLACK, DISCORD = Channel("slack", "C1", "T1"), Channel("discord", "33", "9")
OTHER_CHANNEL, DIRECT = Channel("discord", "34", "9"), Channel("slack", "D1", "T1", is_direct=True)
GROUP = QueueGroup("Reading group", (QueueScope("slack", "T1"), QueueScope("discord", "9", "33")))
ADA, BOB = Person("UADA", "Ada", is_admin=True), Person("777", "Bob", is_admin=True)


def answers(store: Store, group: QueueGroup = GROUP, *, later: timedelta = timedelta()) -> Answers:
    return Answers(store, find_nothing, DigestPolicy(), lambda: NOW + later, queue_groups=(group,))


def a_marked_store() -> Store:
    """Make a store with a paper for each side, and one that both marked."""
    store = a_store()
    for paper, channels in (("p1", [SLACK]), ("p2", [DISCORD]), ("p3", [SLACK, DISCORD])):
        store.library.add([(a_paper(paper), a_review())], now=NOW)
        for channel in channels:
            person = ADA.id if channel is SLACK else BOB.id
            store.marks.set_mark(Mark(channel, "", paper, person, MarkSource.BUTTON, NOW), True)
    return store


def a_shared_store() -> Store:
    store = a_marked_store()
    for channel, person in ((SLACK, ADA), (DISCORD, BOB)):
        answers(store).groups.join_group("reading group", channel, person)
    return store


def list_queue(store: Store, channel: Channel, group: QueueGroup = GROUP) -> dict[str, tuple[int, str]]:
    """Return the number of marks of each paper of a channel's queue, and the ids of people that it names."""
    scope = answers(store, group).queue.choose_scope(channel)
    queue = store.marks.discussion_queue(scope, since=NOW - timedelta(days=1), now=NOW, limit=9)
    rows = list_rows(answers(store, group).queue.show_queue(channel))
    people = {row.button.value: " ".join(row.people) for row in rows}
    return {each.paper: (each.mark_count, people[each.paper]) for each in queue}


def list_rows(message: Message) -> list[OptionRow]:
    return [row for row in message.blocks if isinstance(row, OptionRow)]


OWN_OF_SLACK = {"p1": (1, "UADA"), "p3": (1, "UADA")}
OWN_OF_DISCORD = {"p2": (1, "777"), "p3": (1, "777")}


def test_nothing_is_shared_until_all_sides_agree_and_no_more_once_one_withdraws() -> None:
    store = a_marked_store()
    queue = answers(store).groups
    assert list_queue(store, SLACK) == OWN_OF_SLACK
    queue.join_group("reading group", SLACK, ADA)
    assert (list_queue(store, SLACK), list_queue(store, DISCORD)) == (OWN_OF_SLACK, OWN_OF_DISCORD)
    queue.join_group("Reading Group", DISCORD, BOB)
    assert list_queue(store, SLACK) == {"p3": (2, "UADA"), "p1": (1, "UADA"), "p2": (1, "")}
    assert list_queue(store, DISCORD) == {"p3": (2, "777"), "p1": (1, ""), "p2": (1, "777")}
    queue.leave_group("reading group", SLACK, ADA)
    assert (list_queue(store, SLACK), list_queue(store, DISCORD)) == (OWN_OF_SLACK, OWN_OF_DISCORD)
    with pytest.raises(InputError, match="was not shared"):
        queue.leave_group("reading group", SLACK, ADA)


def test_a_channel_outside_of_the_group_and_a_direct_message_share_nothing() -> None:
    store = a_shared_store()
    for channel in (OTHER_CHANNEL, DIRECT):
        assert answers(store).queue.choose_scope(channel).partners == ()
        with pytest.raises(InputError, match="There is no group"):
            answers(store).groups.join_group("reading group", channel, BOB)
        assert "can be shared with nobody" in str(answers(store).groups.show_group(channel))


def test_only_an_admin_agrees_and_withdraws() -> None:
    store = a_shared_store()
    for act in (answers(store).groups.join_group, answers(store).groups.leave_group):
        with pytest.raises(InputError, match="Only workspace admins may share the queue"):
            act("reading group", SLACK, Person("UEVE", "Eve"))
    assert list_queue(store, SLACK)["p3"][0] == 2


def test_a_group_with_a_new_member_asks_everybody_again() -> None:
    store = a_shared_store()
    wider = QueueGroup(GROUP.name, (*GROUP.members, QueueScope("slack", "T3")))
    assert list_queue(store, SLACK, wider) == OWN_OF_SLACK
    reordered = QueueGroup(GROUP.name, GROUP.members[::-1])
    assert list_queue(store, SLACK, reordered)["p3"][0] == 2


def test_a_decision_holds_on_both_sides_and_either_undoes_it() -> None:
    store = a_shared_store()
    answers(store).queue.decide("p3", QueueOutcome.DISCUSSED, SLACK, ADA)
    assert "p3" not in list_queue(store, DISCORD)
    decisions = store.queue_decisions.list_recent(
        answers(store).queue.choose_scope(DISCORD), since=NOW, limit=9
    )
    assert [(each.paper, each.by) for each in decisions] == [("p3", "Ada")]
    answers(store).queue.return_paper("p3", DISCORD, BOB)
    assert list_queue(store, SLACK)["p3"][0] == 2


def test_the_channel_sees_who_agreed_and_what_that_means() -> None:
    store = a_marked_store()
    store.workspaces.decide("discord", "9", WorkspaceState.SERVED, now=NOW)
    store.workspaces.record_requests("discord", {"9": "Harbor"}, now=NOW)
    groups = answers(store).groups
    first = groups.join_group("reading group", SLACK, ADA)
    assert read_notice(first) == (
        "Ada agreed to share this queue as “Reading group”. "
        "Nothing is shared until another member agrees too."
    )
    assert "This workspace: has agreed\nHarbor (Discord): has not agreed yet" in read_text(first.message)
    assert read_notice(groups.join_group("reading group", DISCORD, BOB)) == (
        "Bob agreed to share this queue as “Reading group”. From now on Slack (T1) and this channel see the "
        "same papers to discuss, and how many want each. Who wants one is shown to the own side alone."
    )
    left = groups.leave_group("reading group", SLACK, ADA)
    assert read_notice(left) == "Ada ended the sharing of this queue as “Reading group”."


def test_a_workspace_that_installed_the_app_by_a_link_is_named() -> None:
    store = a_marked_store()
    store.installations.save(an_installation("T1", name="Kestrel Lab"))
    groups = answers(store).groups
    groups.join_group("reading group", SLACK, ADA)
    seen = groups.join_group("reading group", DISCORD, BOB)
    assert "Kestrel Lab (Slack): has agreed\nThis channel: has agreed" in read_text(seen.message)


def read_text(message: Message) -> str:
    return "\n".join(block.text for block in message.blocks if isinstance(block, Text))


def read_notice(reply: Reply) -> str:
    """Return what the channel sees."""
    assert reply.announcement
    return reply.announcement.summary


def post_cards(store: Store) -> None:
    """Post a card of the paper that both sides marked to each, and one of a paper that nobody marked."""
    store.library.add([(a_paper("p4"), a_review())], now=NOW)
    for channel in (SLACK, DISCORD):
        for paper in ("p3", "p4"):
            store.posts.record_shared(Post(channel, f"m-{paper}", (paper,), {"text": "x"}), now=NOW)
    store.post_edits.enqueue(since=NOW - timedelta(days=1), now=NOW)


def list_refreshed(store: Store) -> set[tuple[str, str]]:
    """Return the platform and id of each message that is due for a refresh."""
    edits = store.post_edits.claim(now=NOW, interval=timedelta(hours=1), limit=99)
    for edit in edits:
        store.post_edits.complete(edit, "", now=NOW, interval=timedelta())
    return {(edit.post.channel.platform, edit.post.message_id) for edit in edits}


BOTH_CARDS = {("slack", "m-p3"), ("discord", "m-p3")}


def test_cards_of_all_sides_are_refreshed_when_a_queue_is_shared_and_when_that_ends() -> None:
    store = a_marked_store()
    post_cards(store)
    answers(store).groups.join_group("reading group", SLACK, ADA)
    assert list_refreshed(store) == BOTH_CARDS
    answers(store).groups.leave_group("reading group", SLACK, ADA)
    assert list_refreshed(store) == BOTH_CARDS
    assert list_refreshed(store) == set()


def test_cards_are_refreshed_when_accounts_become_one_person() -> None:
    store = a_shared_store()
    post_cards(store)
    link(store)
    assert list_refreshed(store) == BOTH_CARDS
    answers(store).groups.unlink(DISCORD, BOB)
    assert list_refreshed(store) == BOTH_CARDS


# Accounts.


def read_code(message: Message) -> str:
    found = re.search(r"/digest me link (\S+)", message.summary)
    assert found
    return found[1]


def link(store: Store) -> None:
    groups = answers(store).groups
    code = read_code(groups.offer_code(SLACK, ADA))
    groups.enter_code(code, DISCORD, BOB)
    groups.enter_code(code, SLACK, ADA)


def test_two_accounts_count_once_after_both_typed_the_code_and_twice_again_once_unlinked() -> None:
    store = a_shared_store()
    groups = answers(store).groups
    code = read_code(groups.offer_code(SLACK, ADA))
    assert "type" in groups.enter_code(code, SLACK, ADA).summary
    assert "Now type" in groups.enter_code(code.lower().replace("-", ""), DISCORD, BOB).summary
    assert list_queue(store, SLACK)["p3"] == (2, "UADA")
    assert groups.enter_code(code, SLACK, ADA).summary.startswith("Linked")
    assert list_queue(store, SLACK) == {"p1": (1, "UADA"), "p2": (1, ""), "p3": (1, "UADA")}
    assert list_queue(store, DISCORD)["p3"] == (1, "777")
    assert "It is linked with 1 account already" in groups.offer_code(DISCORD, BOB).summary
    groups.unlink(DISCORD, BOB)
    assert list_queue(store, SLACK)["p3"] == (2, "UADA")
    for channel, person in ((DISCORD, BOB), (SLACK, ADA)):
        with pytest.raises(InputError, match="is linked with no other"):
            groups.unlink(channel, person)


def test_a_code_is_good_once_for_ten_minutes_and_for_two_accounts() -> None:
    store, eve = a_shared_store(), Person("888", "Eve")
    groups = answers(store).groups
    first = read_code(groups.offer_code(SLACK, ADA))
    second = read_code(groups.offer_code(SLACK, ADA))
    groups.enter_code(second, DISCORD, eve)
    for code, why in ((first, "a newer one"), (second, "typed by another"), (second, "void"), ("x", "odd")):
        with pytest.raises(InputError, match="not valid"):
            groups.enter_code(code, DISCORD, BOB)
        assert list_queue(store, SLACK)["p3"][0] == 2, why
    late = read_code(groups.offer_code(SLACK, ADA))
    with pytest.raises(InputError, match="not valid"):
        answers(store, later=CODE_LIFETIME).groups.enter_code(late, DISCORD, BOB)
    link(store)
    used = read_code(groups.offer_code(SLACK, ADA))
    groups.enter_code(used, DISCORD, eve)
    groups.enter_code(used, SLACK, ADA)
    with pytest.raises(InputError, match="not valid"):
        groups.enter_code(used, DISCORD, eve)
    assert "linked with 2 accounts" in groups.offer_code(SLACK, ADA).summary


def test_a_forgotten_person_is_linked_with_nobody() -> None:
    store = a_shared_store()
    link(store)
    store.people.forget(Subject(SubjectKind.PERSON, "slack", "T1", ADA.id), now=NOW)
    with pytest.raises(InputError, match="is linked with no other"):
        answers(store).groups.unlink(DISCORD, BOB)
    assert list_queue(store, DISCORD) == {"p2": (1, "777"), "p3": (1, "777")}


@pytest.mark.parametrize("text", ["link", "link K7QX-3M2P"])
def test_codes_have_a_narrow_limit_of_their_own(text: str) -> None:
    assert find_use_of_command(text) is Use.ACCOUNT_LINK
