"""A Slack for trials by hand: typed lines are the actions of Ada in #papers, and her screen is printed."""

import asyncio
import sys
from dataclasses import dataclass, field

from tests.fakes.slack import FakeSlack, Json, SlackInteraction, find_elements, read_text

HELP = """/paper WORDS, /digest WORDS   what Ada types in #papers
tap LABEL                     a button of what came last, such as: tap share to channel
react N, unreact N            a bookmark on message N of the channel, or one less
home                          her own page
history                       the channel
quit"""

MAX_WAIT_SECONDS = 4.0
QUIET_SECONDS = 0.6
"""Seconds without a new message after which a reply counts as complete."""


@dataclass(slots=True)
class Screen:
    """The screen of Ada. Her next click is on a button of `last`."""

    slack: FakeSlack
    ada: str
    papers: str
    last: Json = field(default_factory=dict)
    _printed: dict[str, str] = field(default_factory=dict)

    async def run_line(self, line: str) -> None:
        """Run a typed line and print its result."""
        verb, _, rest = line.strip().partition(" ")
        done = SlackInteraction("")
        match verb:
            case str() if verb.startswith("/"):
                done = await self.slack.run_command(verb, rest, user=self.ada, channel=self.papers)
            case "tap" if button := self._find_button(rest):
                done = await self.slack.click_button(
                    button, user=self.ada, channel=self.papers, within=self.last
                )
            case "react" | "unreact" if message := self._find_message(rest):
                react = self.slack.add_reaction if verb == "react" else self.slack.remove_reaction
                await react(self.ada, self.papers, message["ts"])
            case "home":
                await self.slack.dispatch_event(
                    type="app_home_opened", user=self.ada, tab="home", channel="D1"
                )
            case "history":
                self._printed.clear()
            case _:
                print(HELP)
                return
        await self._print_until_quiet(done)

    def _find_button(self, label: str) -> str:
        found = [
            one["action_id"] for one in find_elements(self.last) if label.lower() in read_text(one).lower()
        ]
        return str(found[0]) if found and label else ""

    def _find_message(self, number: str) -> Json | None:
        messages = self.slack.messages_in(self.papers)
        return messages[int(number) - 1] if number.isdigit() and 0 < int(number) <= len(messages) else None

    async def _print_until_quiet(self, done: SlackInteraction) -> None:
        """Print new messages until no more come; a count on a card follows its mark after a moment."""
        loop, shown = asyncio.get_running_loop(), False
        quiet_at = loop.time() + MAX_WAIT_SECONDS
        while loop.time() < quiet_at:
            if self._print_new_messages(done):
                shown, quiet_at = True, loop.time() + QUIET_SECONDS
            await asyncio.sleep(0.1)
        if not shown:
            print("(nothing came)")

    def _print_new_messages(self, done: SlackInteraction) -> bool:
        messages = enumerate(self.slack.messages_in(self.papers), 1)
        things: list[tuple[str, str, Json]] = [
            *(("only you see", f"{done.trigger} r{n}", one) for n, one in enumerate(done.responses)),
            *(("a window opens", str(one["id"]), one) for one in done.views),
            *(("only you see", f"w{n}", one) for n, one in enumerate(self.slack.ephemerals)),
            *((f"in #papers, message {n}", one["ts"], one) for n, one in messages),
            *(("your page", "home", one) for one in self.slack.homes.values()),
        ]  # fmt: skip
        new = [thing for thing in things if self._printed.get(thing[1]) != read_text(thing[2]["blocks"])]
        for where, key, thing in new:
            self._printed[key] = read_text(thing["blocks"])
            self.last = thing
            print(f"--- {where}:\n{self._printed[key]}")
        return bool(new)


async def serve_by_hand(port: int) -> None:
    """Serve until standard input ends, or "quit"."""
    async with FakeSlack(port=port) as slack:
        screen = Screen(slack, slack.add_user("ada"), slack.add_channel("papers"))
        print(
            "A Slack to try Paperround in. "
            "In another terminal, in an empty directory, write paperround.toml:\n\n"
            "  [digest]\n  max_age_days = 0        # the bundled papers are old\n"
            f'  [platforms.slack]\n  api_base_url = "{slack.url}"\n\n'
            f"and run:\n\n  paperround import {sys.path[0] or '.'}/bot/sample/papers.jsonl\n"
            f"  SLACK_BOT_TOKEN={slack.bot_token} SLACK_APP_TOKEN={slack.app_token} paperround run\n\n"
            f"Then type here, as Ada in #papers (its id is {screen.papers}):\n\n{HELP}\n",
            flush=True,
        )
        while (line := await asyncio.to_thread(sys.stdin.readline)) and line.strip() != "quit":
            if line.strip():
                await screen.run_line(line)
                sys.stdout.flush()
