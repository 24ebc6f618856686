"""A Slack to try the bot in by hand: you are Ada in #papers, what you type is what she does, and you see what she sees."""

import asyncio
import sys
from dataclasses import dataclass, field

from tests.fakes.slack import FakeSlack, Interaction, Json, buttons, read

HELP = """/paper WORDS, /digest WORDS   what Ada types in #papers
tap LABEL                     a button of what came last, such as: tap share to channel
react N, unreact N            a bookmark on message N of the channel, or one less
home                          her own page
history                       the channel
quit"""

LONGEST_WAIT = 4.0
QUIET = 0.6
"""Seconds without news after which all is taken to be there."""


@dataclass(slots=True)
class Screen:
    """What Ada does and sees. `last` is where a button is looked for."""

    slack: FakeSlack
    ada: str
    papers: str
    last: Json = field(default_factory=dict)
    _seen: dict[str, str] = field(default_factory=dict)

    async def does(self, line: str) -> None:
        """One line; what comes of it is printed."""
        verb, _, rest = line.strip().partition(" ")
        done = Interaction("")
        match verb:
            case str() if verb.startswith("/"):
                done = await self.slack.command(verb, rest, user=self.ada, channel=self.papers)
            case "tap" if button := self._button(rest):
                done = await self.slack.click(button, user=self.ada, channel=self.papers, within=self.last)
            case "react" | "unreact" if message := self._message(rest):
                react = self.slack.react if verb == "react" else self.slack.unreact
                await react(self.ada, self.papers, message["ts"])
            case "home":
                await self.slack.event(type="app_home_opened", user=self.ada, tab="home", channel="D1")
            case "history":
                self._seen.clear()
            case _:
                print(HELP)
                return
        await self._news(done)

    def _button(self, label: str) -> str:
        found = [one["action_id"] for one in buttons(self.last) if label.lower() in read(one).lower()]
        return str(found[0]) if found and label else ""

    def _message(self, number: str) -> Json | None:
        messages = self.slack.messages(self.papers)
        return messages[int(number) - 1] if number.isdigit() and 0 < int(number) <= len(messages) else None

    async def _news(self, done: Interaction) -> None:
        """Print what is new, when nothing more comes; a number on a card follows its mark after a moment."""
        loop, shown = asyncio.get_running_loop(), False
        quiet_at = loop.time() + LONGEST_WAIT
        while loop.time() < quiet_at:
            if self._print_what_is_new(done):
                shown, quiet_at = True, loop.time() + QUIET
            await asyncio.sleep(0.1)
        if not shown:
            print("(nothing came)")

    def _print_what_is_new(self, done: Interaction) -> bool:
        things: list[tuple[str, str, Json]] = [
            *(("only you see", f"{done.trigger} r{n}", one) for n, one in enumerate(done.responses)),
            *(("a window opens", str(one["id"]), one) for one in done.views),
            *(("only you see", f"w{n}", one) for n, one in enumerate(self.slack.whispers)),
            *((f"in #papers, message {n}", one["ts"], one) for n, one in enumerate(self.slack.messages(self.papers), 1)),
            *(("your page", "home", one) for one in self.slack.homes.values()),
        ]  # fmt: skip
        new = [thing for thing in things if self._seen.get(thing[1]) != read(thing[2]["blocks"])]
        for where, key, thing in new:
            self._seen[key] = read(thing["blocks"])
            self.last = thing
            print(f"--- {where}:\n{self._seen[key]}")
        return bool(new)


async def serve(port: int) -> None:
    """Until standard input ends, or quit."""
    async with FakeSlack(port=port) as slack:
        screen = Screen(slack, slack.add_user("ada"), slack.add_channel("papers"))
        print(
            f"A Slack to try Paperround in. In another terminal, in an empty directory, write paperround.toml:\n\n"
            f'  [digest]\n  max_age_days = 0        # the bundled papers are old\n  [platforms.slack]\n  api_base_url = "{slack.url}"\n\n'
            f"and run:\n\n  paperround import {sys.path[0] or '.'}/bot/sample/papers.jsonl\n"
            f"  SLACK_BOT_TOKEN={slack.bot_token} SLACK_APP_TOKEN={slack.app_token} paperround run\n\n"
            f"Then type here, as Ada in #papers (its id is {screen.papers}):\n\n{HELP}\n",
            flush=True,
        )
        while (line := await asyncio.to_thread(sys.stdin.readline)) and line.strip() != "quit":
            if line.strip():
                await screen.does(line)
                sys.stdout.flush()
