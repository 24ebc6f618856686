"""The groups of subcommands of /digest: about meetings, and about the person who asks.

Discord takes 25 subcommands and groups of a command, and as many in each group.
"""

from discord import app_commands
from discord.app_commands import Range

from bot.platforms.discord.listeners import DiscordListeners
from bot.platforms.discord.replies import Interaction

SPAN_CHARACTERS = 60
"""Longest text of a span of dates."""


def add_plain_command(
    group: app_commands.Group, listeners: DiscordListeners, name: str, description: str, text: str = ""
) -> None:
    """Add a command without options, which runs the /digest command `text`, its own name if left out."""

    async def run_command(interaction: Interaction) -> None:
        await listeners.commands.on_digest(interaction, text or name)

    group.command(name=name, description=description)(run_command)


def add_meeting_group(digest: app_commands.Group, listeners: DiscordListeners) -> None:
    """Add /digest meet with a subcommand for each thing that people do about meetings."""
    group = app_commands.Group(name="meet", description="Meetings about papers of the queue", parent=digest)
    for name, description in (
        ("show", "The plan, the coming meeting, and the rota"),
        ("ics", "The next meetings, as a file for your calendar"),
        ("join", "Lead a meeting when it is your turn"),
        ("leave", "Lead no meetings any more"),
        ("back", "End your absence"),
        ("take", "Lead the coming meeting"),
        ("swap", "Let the next person lead, and be first the next time"),
        ("pass", "Let the next person lead, and come last"),
        ("skip", "Call the next meeting off"),
        ("end", "End the meetings here"),
    ):
        add_plain_command(group, listeners, name, description, f"meet {name}")

    @group.command(name="set", description="Plan the meetings in a form, or change what words name")
    @app_commands.describe(
        words="Such as: thu 16:00 every 2 weeks in Berlin place Room 4 without poll; without them: a form"
    )
    async def plan_meetings(interaction: Interaction, words: Range[str, 1, 300] | None = None) -> None:
        if words:
            await listeners.commands.on_digest(interaction, f"meet {words}")
        else:
            await listeners.meeting_forms.open_meeting_form(interaction)

    @group.command(name="away", description="Be passed over on some days, and keep your place in the rota")
    @app_commands.describe(dates="Such as: 1 dec to 14 dec; until 14 dec")
    async def save_absence(interaction: Interaction, dates: Range[str, 1, SPAN_CHARACTERS]) -> None:
        await listeners.commands.on_digest(interaction, f"meet away {dates}")

    @group.command(name="off", description="Call the meetings of some days off")
    @app_commands.describe(dates="Such as: 21 dec to 3 jan; none takes all days off back")
    async def save_days_off(interaction: Interaction, dates: Range[str, 1, SPAN_CHARACTERS]) -> None:
        await listeners.commands.on_digest(interaction, f"meet off {dates}")


def add_personal_group(digest: app_commands.Group, listeners: DiscordListeners) -> None:
    """Add /digest me with the commands about what is kept of a person, and about a person's accounts."""
    group = app_commands.Group(
        name="me", description="What is kept about you, and your accounts", parent=digest
    )
    add_plain_command(group, listeners, "export", "Show what is kept about you, for you alone", "export me")
    add_plain_command(group, listeners, "unlink", "End the links of this account with others", "unlink")

    @group.command(name="forget", description="Erase what is kept about you")
    @app_commands.describe(confirm="True: erase it; without, only say what would go")
    async def forget_person(interaction: Interaction, confirm: bool = False) -> None:
        await listeners.commands.on_digest(interaction, "forget me yes" if confirm else "forget me")

    @group.command(name="link", description="Count your accounts on two platforms as one person")
    @app_commands.describe(code="The code from your other account; without one: get a code")
    async def link_account(interaction: Interaction, code: Range[str, 1, 40] | None = None) -> None:
        await listeners.commands.on_digest(interaction, f"link {code or ''}".strip())
