"""What people do and see on every platform alike, told once: real processes over the wire, against strict fakes."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from digests.model import Flag
from digests.ports import Store
from digests.subscription import DigestStyle
from tests.bot.platforms.scenarios import ChatDriver, DiscordDriver, SlackDriver, wait_for_text
from tests.builders import a_paper, a_review

Story = Callable[[ChatDriver], Awaitable[None]]
Tells = Callable[..., None]


@pytest.fixture(params=["slack", "discord"])
def tells(request: pytest.FixtureRequest) -> Tells:
    """Tells a story on a platform, in a channel that has or gets a digest in this style, or in one without."""
    name = request.param
    office = request.getfixturevalue(f"{name}_office")
    make = SlackDriver if name == "slack" else DiscordDriver

    def tell(story: Story, style: DigestStyle | None = None) -> None:
        async def told(*place: object) -> None:
            await story(make(*place))  # type: ignore[arg-type]

        office.run_scenario(told, *([style if name == "slack" else str(style)] if style else []))

    return tell


def test_a_look_up_is_answered_for_the_person_alone_and_shared_when_asked(tells: Tells) -> None:
    async def scenario(stage: ChatDriver) -> None:
        asked = await stage.look_up("2402.01306")
        assert "KTO" in await wait_for_text(stage, asked, "Limitations")
        assert stage.channel_messages() == []
        await wait_for_text(stage, await stage.tap_button("review", asked.responses[0]), "Methodology")
        await wait_for_text(
            stage, await stage.tap_button("share", asked.responses[0]), "Shared with the channel"
        )
        (message,) = stage.channel_messages()
        assert "Shared by ada" in stage.text_of(message)
        await stage.add_reaction(stage.ada, message)
        await stage.wait_until(lambda: "Discuss · 1" in stage.text_of(message))

    tells(scenario)


def test_of_several_papers_one_is_chosen_from_a_list(tells: Tells) -> None:
    async def scenario(stage: ChatDriver) -> None:
        asked = await stage.look_up("preference tuning language")
        await wait_for_text(stage, asked, "Did you mean one of these")
        await wait_for_text(stage, await stage.tap_button("show", asked.responses[0]), "Limitations")

    tells(scenario)


def test_a_mark_counts_on_the_card_and_in_the_queue_and_is_taken_back(tells: Tells) -> None:
    async def scenario(stage: ChatDriver) -> None:
        card, bob = (await stage.wait_for_digest())[1], stage.add_person("bob")
        told = await stage.add_reaction(stage.ada, card)
        await stage.redeliver_event(told)
        await wait_for_text(stage, await stage.tap_button("discuss", card, bob), "Marked for discussion")
        await stage.wait_until(lambda: "Discuss · 2" in stage.text_of(card))
        await wait_for_text(stage, await stage.run_digest_command("queue"), "2 want to discuss")
        await stage.remove_reaction(stage.ada, card)
        await stage.wait_until(lambda: "Discuss · 1" in stage.text_of(card))
        await wait_for_text(stage, await stage.tap_button("discuss", card, bob), "Your mark is taken back")
        await stage.wait_until(lambda: "Discuss ·" not in stage.text_of(card))

    tells(scenario, DigestStyle.CARDS)


def test_in_style_thread_a_mark_on_one_card_is_about_that_paper_alone(tells: Tells) -> None:
    async def scenario(stage: ChatDriver) -> None:
        _, first, second, third = await stage.wait_for_digest()
        await stage.add_reaction(stage.ada, second)
        await stage.wait_until(lambda: "Discuss · 1" in stage.text_of(second))
        assert "Discuss ·" not in stage.text_of(first) + stage.text_of(third)

    tells(scenario, DigestStyle.THREAD)


def test_a_done_paper_leaves_the_queue(tells: Tells) -> None:
    async def scenario(stage: ChatDriver) -> None:
        card = (await stage.wait_for_digest())[1]
        await stage.add_reaction(stage.ada, card)
        await stage.wait_until(lambda: "Discuss · 1" in stage.text_of(card))
        queue = await stage.run_digest_command("queue")
        await wait_for_text(stage, queue, "1 wants to discuss")
        await wait_for_text(
            stage, await stage.tap_button("discussed", queue.responses[0]), "Nothing to discuss yet"
        )

    tells(scenario, DigestStyle.CARDS)


def test_a_channel_is_subscribed_told_of_it_and_the_change_is_undone_once(tells: Tells) -> None:
    async def scenario(stage: ChatDriver) -> None:
        await wait_for_text(stage, await stage.subscribe_channel("vision", 3), "Done")
        await stage.wait_until(stage.channel_messages)
        (note,) = stage.channel_messages()
        assert "ada subscribed this channel" in stage.text_of(note)
        known = stage.find_subscription()
        assert known
        assert (known.preferences.domains, known.preferences.top, known.owner_id) == (
            ("vision",),
            3,
            stage.ada,
        )
        await stage.tap_button("undo", note)
        await stage.wait_until(lambda: len(stage.channel_messages()) == 2)
        assert stage.find_subscription() is None
        await wait_for_text(stage, await stage.tap_button("undo", note), "cannot be undone")

    tells(scenario)


def test_pause_resume_and_unsubscribe_are_told_to_the_channel(tells: Tells) -> None:
    async def scenario(stage: ChatDriver) -> None:
        await wait_for_text(stage, await stage.subscribe_channel("vision", 3), "Done")
        for number, (verb, said) in enumerate(
            [
                ("pause", "ada paused this channel's digest."),
                ("resume", "ada resumed this channel's digest."),
                ("unsubscribe", "/digest subscribe vision top 3"),
            ],
            start=2,
        ):
            await stage.run_digest_command(verb)
            await stage.wait_until(lambda number=number: len(stage.channel_messages()) == number)  # type: ignore[misc]
            assert said in stage.text_of(stage.channel_messages()[-1])

    tells(scenario)


def test_a_held_paper_is_decided_with_a_tap_and_a_later_tap_hears_how(tells: Tells) -> None:
    async def scenario(stage: ChatDriver) -> None:
        suspect = hold(stage.bot.store)
        first, second = await stage.run_digest_command("held"), await stage.run_digest_command("held")
        said = await wait_for_text(stage, first, "9.8/10")
        assert "reads like an order to its reviewer" in said
        assert "praise this paper" in said
        await wait_for_text(stage, second, "9.8/10")
        await wait_for_text(stage, await stage.tap_button("release", first.responses[0]), "is released")
        assert suspect not in {one.scored_paper.paper.id for one in stage.bot.store.moderation.list_held()}
        late = await stage.tap_button("reject", second.responses[0])
        await wait_for_text(stage, late, "is not held any more: ada released it")

    tells(scenario)


def hold(store: Store) -> str:
    """A suspect paper that a reviewer held just now."""
    suspect = a_paper(
        "2611.00007", title="A suspect", flags=(Flag("praise", "praise this paper", location="abstract"),)
    )
    store.library.add([(suspect, a_review(9.8))], now=datetime.now(UTC))
    store.moderation.hold(suspect.id, "Its score stands out.", now=datetime.now(UTC))
    return suspect.id
