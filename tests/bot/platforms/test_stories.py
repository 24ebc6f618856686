"""What people do and see on every platform alike, told once: real processes over the wire, against strict fakes."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from digests.model import Flag, Style
from digests.ports import Store
from tests.bot.platforms.stage import DiscordStage, SlackStage, Stage, heard
from tests.builders import a_paper, a_review

Story = Callable[[Stage], Awaitable[None]]
Tells = Callable[..., None]


@pytest.fixture(params=["slack", "discord"])
def tells(request: pytest.FixtureRequest) -> Tells:
    """Tells a story on a platform, in a channel that has or gets a digest in this style, or in one without."""
    name = request.param
    office = request.getfixturevalue(f"{name}_office")
    make = SlackStage if name == "slack" else DiscordStage

    def tell(story: Story, style: Style | None = None) -> None:
        async def told(*place: object) -> None:
            await story(make(*place))  # type: ignore[arg-type]

        office.tells(told, *([style if name == "slack" else str(style)] if style else []))

    return tell


def test_a_look_up_is_answered_for_the_person_alone_and_shared_when_asked(tells: Tells) -> None:
    async def story(stage: Stage) -> None:
        asked = await stage.look_up("2402.01306")
        assert "KTO" in await heard(stage, asked, "Limitations")
        assert stage.messages() == []
        await heard(stage, await stage.tap("review", asked.responses[0]), "Methodology")
        await heard(stage, await stage.tap("share", asked.responses[0]), "Shared with the channel")
        (message,) = stage.messages()
        assert "Shared by ada" in stage.reads(message)
        await stage.react(stage.ada, message)
        await stage.until(lambda: "Discuss · 1" in stage.reads(message))

    tells(story)


def test_of_several_papers_one_is_chosen_from_a_list(tells: Tells) -> None:
    async def story(stage: Stage) -> None:
        asked = await stage.look_up("preference tuning language")
        await heard(stage, asked, "Did you mean one of these")
        await heard(stage, await stage.tap("show", asked.responses[0]), "Limitations")

    tells(story)


def test_a_mark_counts_on_the_card_and_in_the_queue_and_is_taken_back(tells: Tells) -> None:
    async def story(stage: Stage) -> None:
        card, bob = (await stage.digest())[1], stage.person("bob")
        told = await stage.react(stage.ada, card)
        await stage.tell_again(told)
        await heard(stage, await stage.tap("discuss", card, bob), "Marked for discussion")
        await stage.until(lambda: "Discuss · 2" in stage.reads(card))
        await heard(stage, await stage.type("queue"), "2 voices")
        await stage.unreact(stage.ada, card)
        await stage.until(lambda: "Discuss · 1" in stage.reads(card))
        await heard(stage, await stage.tap("discuss", card, bob), "Your mark is taken back")
        await stage.until(lambda: "Discuss ·" not in stage.reads(card))

    tells(story, Style.CARDS)


def test_in_style_thread_a_mark_on_one_card_is_about_that_paper_alone(tells: Tells) -> None:
    async def story(stage: Stage) -> None:
        _, first, second, third = await stage.digest()
        await stage.react(stage.ada, second)
        await stage.until(lambda: "Discuss · 1" in stage.reads(second))
        assert "Discuss ·" not in stage.reads(first) + stage.reads(third)

    tells(story, Style.THREAD)


def test_a_done_paper_leaves_the_queue(tells: Tells) -> None:
    async def story(stage: Stage) -> None:
        card = (await stage.digest())[1]
        await stage.react(stage.ada, card)
        await stage.until(lambda: "Discuss · 1" in stage.reads(card))
        queue = await stage.type("queue")
        await heard(stage, queue, "1 voice")
        await heard(stage, await stage.tap("discussed", queue.responses[0]), "Nothing to discuss yet")

    tells(story, Style.CARDS)


def test_a_channel_is_subscribed_told_of_it_and_the_change_is_undone_once(tells: Tells) -> None:
    async def story(stage: Stage) -> None:
        await heard(stage, await stage.subscribe("vision", 3), "Done")
        await stage.until(stage.messages)
        (note,) = stage.messages()
        assert "ada subscribed this channel" in stage.reads(note)
        known = stage.subscription()
        assert known
        assert (known.wish.domains, known.wish.top, known.owner) == (("vision",), 3, stage.ada)
        await stage.tap("undo", note)
        await stage.until(lambda: len(stage.messages()) == 2)
        assert stage.subscription() is None
        await heard(stage, await stage.tap("undo", note), "cannot be undone")

    tells(story)


def test_pause_resume_and_unsubscribe_are_told_to_the_channel(tells: Tells) -> None:
    async def story(stage: Stage) -> None:
        await heard(stage, await stage.subscribe("vision", 3), "Done")
        for number, (verb, said) in enumerate(
            [
                ("pause", "ada paused this channel's digest."),
                ("resume", "ada resumed this channel's digest."),
                ("unsubscribe", "/digest subscribe vision top 3"),
            ],
            start=2,
        ):
            await stage.type(verb)
            await stage.until(lambda number=number: len(stage.messages()) == number)  # type: ignore[misc]
            assert said in stage.reads(stage.messages()[-1])

    tells(story)


def test_a_held_paper_is_decided_with_a_tap_and_a_later_tap_hears_how(tells: Tells) -> None:
    async def story(stage: Stage) -> None:
        suspect = hold(stage.bot.store)
        first, second = await stage.type("held"), await stage.type("held")
        said = await heard(stage, first, "9.8/10")
        assert "reads like an order to its reviewer" in said
        assert "praise this paper" in said
        await heard(stage, second, "9.8/10")
        await heard(stage, await stage.tap("release", first.responses[0]), "is released")
        assert suspect not in {one.scored.paper.id for one in stage.bot.store.reviewing.held()}
        late = await stage.tap("reject", second.responses[0])
        await heard(stage, late, "is not held any more: ada released it")

    tells(story)


def hold(store: Store) -> str:
    """A suspect paper that a reviewer held just now."""
    suspect = a_paper(
        "2611.00007", title="A suspect", flags=(Flag("praise", "praise this paper", where="abstract"),)
    )
    store.papers.add([(suspect, a_review(9.8))], now=datetime.now(UTC))
    store.reviewing.hold(suspect.id, "Its score stands out.", now=datetime.now(UTC))
    return suspect.id
