"""The story: what the people of two teams do in a month, and what they expect to see.

Kestrel Lab in Berlin reads about language models in a channel of Slack. The Harbor Reading Club in Boston
reads about learning and vision on Discord. They share one queue. In the night to 1 November the clocks change
in Boston.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.fakes.slack import SlackFault
from tests.month.discord_team import DiscordTeam
from tests.month.papers import find_paper_id
from tests.month.service import GROUP, REVIEWS_INTERVAL, Service, open_service
from tests.month.slack_team import SlackTeam
from tests.month.teams import Person, Team, everybody_marks, everybody_taps, everybody_types
from tests.month.transcript import Transcript

BERLIN, BOSTON = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
FIRST_DAY, LAST_DAY = date(2026, 10, 29), date(2026, 11, 27)
FETCH_TIME = time(6, 20)
"""Time in UTC at which the papers of a day come in: after arXiv's announcement, and before any digest."""
HOLIDAY = date(2026, 11, 27)
"""The day after Thanksgiving: arXiv announced nothing on the evening before."""

LATE_EDIT = timedelta(seconds=90)
"""Time after a step in which edits that it caused are made."""

OPENING = """
# A month of two teams

Kestrel Lab in Berlin reads papers about language models in **#reading-llm**, on Slack: Ada, who keeps things
going; Bruno, who wants to read everything; Chiara, who believes little of it; and Dev, who builds things.

The Harbor Reading Club in Boston reads about learning and vision in **#papers**, on Discord: Eve, who runs
the server; Farid, who reads at night; Hugo, who is new; and Grace, who works with both and has an account on
either side.

The two share one queue of papers to discuss. People, papers and reviews are made up. What Paperround says is
not: a test plays the month through the real bot and two local servers, and this file is what the two channels
saw. Times are each team's own. The clocks in Boston change on 1 November. ✎ is an edit of a message.
"""


@dataclass(slots=True)
class Month:
    """The month while it is played."""

    service: Service
    transcript: Transcript
    kestrel: Team
    harbor: Team
    day: date = FIRST_DAY
    people: dict[str, Person] = field(default_factory=dict)

    async def reach(self, team: Team, at: str) -> None:
        """Move to a time of the day in a team's zone, and write down what the channels show until then."""
        await self.move_to(self.find_instant(team, at))

    async def move_to(self, now: datetime) -> None:
        """Move to an instant, and stop at each one before it at which the process has something to do."""
        await self._write_changes()
        while (due_at := self.service.find_next_due()) and due_at < now:
            await self._stop_at(due_at)
        await self._stop_at(now)

    async def _stop_at(self, now: datetime) -> None:
        self.transcript.now = now
        await self.service.move_clock(now)
        await self._write_changes()

    def find_instant(self, team: Team, at: str) -> datetime:
        """Return the instant of a time of this day in a team's zone."""
        return datetime.combine(self.day, time.fromisoformat(at.zfill(5)), team.zone)

    async def _write_changes(self) -> None:
        if not self.transcript.now:
            return
        await self.service.settle()
        # A post that was being edited is looked at again a minute later: that belongs to the same step.
        while (due_at := self.service.find_next_due()) and due_at <= self.transcript.now + LATE_EDIT:
            await self.service.move_clock(due_at)
        await self.service.wait_until(self._shows_right_counts, "every card shows its number of marks")
        self.transcript.observe()

    def _shows_right_counts(self) -> bool:
        return not self.list_wrong_counts()

    def list_wrong_counts(self) -> list[str]:
        """Return the cards of both channels whose number of marks is not that of the store."""
        return [*self.kestrel.list_wrong_counts(), *self.harbor.list_wrong_counts()]


async def tell_month(folder: Path) -> str:
    """Play the month in an empty folder, and return its transcript, with the lists that are exported then.

    Raises AssertionError if numbers of marks disagree at the end, and for a breach of a platform's protocol.
    """
    begin = datetime.combine(FIRST_DAY - timedelta(days=1), time(18), BERLIN)
    async with open_service(folder, begin) as service:
        month = create_month(service)
        await play_month(month)
        exported = [await export_discussions(month, team) for team in (month.kestrel, month.harbor)]
        check_marks(month)
        assert service.slack.protocol_errors == []
        assert service.discord.protocol_errors == []
        assert service.kills == 1
    assert "Traceback" not in service.log.read_text()
    return "\n".join([month.transcript.render(OPENING), *exported])


async def export_discussions(month: Month, team: Team) -> str:
    """Return what a team has discussed, as its operator exports it."""
    scope = f"{team.place.platform}:{team.place.workspace}"
    printed = await month.service.run_command("export", "discussions", scope, "--as", "md")
    heading = f"## What remains of it: {team.title}"
    shown = "paperround export discussions … --as md"
    return f"{heading}\n\n`{shown}` prints\n\n```markdown\n{printed.strip()}\n```\n"


def check_marks(month: Month) -> None:
    """Check that cards, queue and store agree on how many people want each paper. Grace is one person."""
    assert month.list_wrong_counts() == []
    wanted = month.kestrel.list_people_by_paper()
    names = {**month.kestrel.names, **month.harbor.names}
    people = {paper: {names[person] for person in persons} for paper, persons in wanted.items()}
    for team in (month.kestrel, month.harbor):
        shown = team.list_shown_counts()
        assert {paper: count for paper, count in shown.items() if count != len(people.get(paper, ()))} == {}
        queue = team.list_queue()
        assert {paper: count for paper, count in queue.items() if count != len(people[paper])} == {}
    assert month.kestrel.list_queue() == month.harbor.list_queue() != {}


def create_month(service: Service) -> Month:
    """Create the two workspaces with their people."""
    transcript = Transcript()
    kestrel = SlackTeam(service, transcript, "#reading-llm, on Slack", BERLIN)
    kestrel.channel = service.slack.add_channel("reading-llm")
    harbor = DiscordTeam(service, transcript, "#papers, on Discord", BOSTON)
    harbor.channel = service.discord.add_channel("papers", guild=service.guild)
    transcript.teams += [kestrel, harbor]
    month = Month(service, transcript, kestrel, harbor)
    for name in ("Ada", "Bruno", "Chiara", "Dev", "Grace"):
        month.people[f"{name} of Kestrel"] = kestrel.add_person(name, is_admin=name == "Ada")
    for name in ("Eve", "Farid", "Hugo", "Grace"):
        month.people[f"{name} of Harbor"] = harbor.add_person(name, is_admin=name == "Eve")
    return month


async def play_month(month: Month) -> None:
    """Play every day of the month."""
    await month.service.start()
    days = (LAST_DAY - FIRST_DAY).days + 1
    for month.day in (FIRST_DAY + timedelta(days=number) for number in range(days)):
        if month.day.weekday() < 5:
            fetch_at = datetime.combine(month.day, FETCH_TIME, UTC)
            await month.move_to(fetch_at - REVIEWS_INTERVAL)
            await month.service.fetch_papers(month.day, fetch_at)
        await EVENTS.get(month.day, pass_day)(month)
    await month.reach(month.harbor, "21:00")


Events = Callable[[Month], Awaitable[None]]


async def pass_day(month: Month) -> None:
    """Let a day pass on which people only read their digests."""
    await open_day(month)
    await close_day(month)


async def open_day(month: Month) -> None:
    """Reach nine o'clock in Berlin, when the digest comes there."""
    await month.reach(month.kestrel, "9:00")


async def close_day(month: Month) -> None:
    """Reach nine o'clock in Boston, when the digest comes there, and the evening."""
    await month.reach(month.harbor, "9:00")


async def play_29_october(month: Month) -> None:
    """Both teams set up their digests and their meetings."""
    ada, bruno, chiara, dev, _ = _list_kestrel(month)
    eve, *_ = _list_harbor(month)
    await month.reach(month.kestrel, "8:40")
    await ada.types(
        "/digest subscribe the 3 best llm papers every weekday at 9am Berlin style cards",
        channel_sees="The 3 best papers from language",
    )
    await month.reach(month.kestrel, "9:00")
    await month.reach(month.kestrel, "9:12")
    await bruno.marks("Tool Calls")
    await chiara.marks("Tool Calls")
    await bruno.taps("🔖 Discuss", "2. Short Proofs")
    await bruno.marks("A Dictionary")
    await month.reach(month.kestrel, "9:20")
    await bruno.takes_back("A Dictionary")
    await chiara.asks("what are its limitations?", below="Tool Calls")
    await month.reach(month.kestrel, "9:40")
    dev.says("This one is on our desk anyway: https://arxiv.org/abs/2610.92903")
    await ada.marks_from_menu("This one is on our desk")
    await month.reach(month.kestrel, "10:00")
    await ada.types("/digest meet thu 16:00 every 2 weeks place Room 4", channel_sees="Ada planned meetings")
    await everybody_types([ada, bruno, chiara, dev], "/digest meet join")
    await ada.types(f"/digest group join {GROUP}", channel_sees="agreed to share")
    await month.reach(month.harbor, "9:30")
    await eve.types(
        "/digest subscribe", domains="learning, vision", top=2, at="09:00", days="mon, wed, fri",
        time_zone="Boston", style="thread", channel_sees="The 2 best papers from learning and vision",
    )  # fmt: skip
    await month.reach(month.harbor, "9:40")
    await eve.types(
        "/digest meet set", words="mon 18:00 every 2 weeks place https://meet.example.org/harbor",
        channel_sees="Eve planned meetings",
    )  # fmt: skip
    await month.reach(month.harbor, "9:50")
    await eve.types("/digest group", join=GROUP, channel_sees="agreed to share")
    await month.reach(month.kestrel, "16:00")
    await month.reach(month.kestrel, "16:30")
    await ada.votes("Tool Calls", "Which paper on Thursday 5 November?")


async def play_30_october(month: Month) -> None:
    """Boston finds a paper for Monday within a day. Berlin votes."""
    ada, bruno, chiara, dev, _ = _list_kestrel(month)
    eve, farid, hugo, grace = _list_harbor(month)
    await open_day(month)
    await month.reach(month.kestrel, "9:10")
    await everybody_marks([ada, bruno, dev], "Judges Who Read")
    await month.reach(month.kestrel, "11:00")
    await bruno.votes("Short Proofs", "Which paper on Thursday 5 November?")
    await chiara.votes("Tool Calls", "Which paper on Thursday 5 November?")
    await month.reach(month.harbor, "9:00")
    await month.reach(month.harbor, "9:15")
    await everybody_marks([eve, farid, grace], "Optimizers Forget")
    await hugo.types("/digest mark", paper=find_paper_id("Optimizers Forget"))
    await month.reach(month.harbor, "9:50")
    await month.reach(month.harbor, "10:30")
    await farid.taps("I take it", "Mon 2 Nov: Optimizers", channel_sees="Farid leads")
    await month.reach(month.kestrel, "17:30")
    await chiara.votes("Short Proofs", "Which paper on Thursday 5 November?")
    await dev.votes("Tool Calls", "Which paper on Thursday 5 November?")
    await month.reach(month.harbor, "23:30")
    await farid.asks("how was it tested?", below="Optimizers Forget", channel_sees="Nine pairs of tasks")


async def play_31_october(month: Month) -> None:
    """The poll in Berlin ends in a tie, and the process dies while it posts the agenda."""
    service, kestrel = month.service, month.kestrel
    await month.reach(kestrel, "15:50")
    service.slack.fail_next("chat.postMessage", SlackFault.SLOW_AFTER, channel=kestrel.channel)
    month.transcript.now = now = month.find_instant(kestrel, "16:00")
    service.clock.set(now, rate=0)
    await service.wait_until(lambda: kestrel.shows("Thu 5 Nov:"), "the agenda is posted")
    await service.kill()
    month.transcript.add_event(
        kestrel, "_The machine of Paperround loses power while it posts what follows, and is back at once._"
    )
    await service.start()
    await month.reach(kestrel, "16:05")


async def play_1_november(month: Month) -> None:
    """The clocks change in Boston. The reminder comes at six in the evening there, as on any other day."""
    ada, *_ = _list_kestrel(month)
    await month.reach(month.kestrel, "10:30")
    ada.says("I am at a wedding on Thursday, sorry!")
    await ada.taps("Swap", "Thu 5 Nov:", channel_sees="leads now")
    await month.reach(month.harbor, "18:00")


async def play_2_november(month: Month) -> None:
    """Three people of Berlin have enough of audio. Boston meets."""
    ada, bruno, chiara, dev, slack_grace = _list_kestrel(month)
    eve, farid, hugo, grace = _list_harbor(month)
    await open_day(month)
    await month.reach(month.kestrel, "9:05")
    await bruno.marks("Retrieval That Admits")
    for person in (bruno, chiara, dev):
        await person.taps("Not for us", "Whispered Speech")
    await month.reach(month.kestrel, "9:30")
    await ada.types("/digest recap on", channel_sees="recap")
    await month.reach(month.harbor, "9:00")
    await month.reach(month.harbor, "12:00")
    await hugo.marks("Maps That Remember")
    await grace.types("/paper", query="judges who read the name")
    await grace.types("/digest mark", paper=find_paper_id("Judges Who Read"))
    await month.reach(month.kestrel, "18:30")
    await slack_grace.marks("Judges Who Read")
    await month.reach(month.harbor, "18:00")
    await month.reach(month.harbor, "19:10")
    agenda = "Optimizers Forget", "Afterwards"
    await everybody_taps([eve, farid, hugo], "Worth it", *agenda)
    await grace.taps("Not worth it", *agenda)
    await everybody_taps([farid, hugo], "Limitation: true", *agenda)
    await eve.types(
        "/digest note",
        paper=find_paper_id("Optimizers Forget"),
        text="Ask the authors for the nine pairs of tasks.",
    )
    await hugo.types("/digest meet join")


async def play_3_november(month: Month) -> None:
    """Bruno wants more, Ada less. Grace shows that both of her accounts are hers."""
    ada, bruno, *_, slack_grace = _list_kestrel(month)
    grace = month.people["Grace of Harbor"]
    await open_day(month)
    await month.reach(month.kestrel, "9:10")
    await bruno.types("/digest set top 10", channel_sees="Bruno")
    await month.reach(month.kestrel, "9:50")
    await ada.taps("Undo", "Bruno changed", channel_sees="Ada", is_answered=False)
    await close_day(month)
    await month.reach(month.harbor, "10:00")
    offered = await grace.types("/digest me link")
    code = re.search(r"link (\w{4}-\w{4})", offered)
    assert code
    month.transcript.hide(code[1], "K7QX-3M2P")
    await month.reach(month.harbor, "10:02")
    await slack_grace.types(f"/digest me link {code[1]}")
    await month.reach(month.harbor, "10:04")
    await grace.types("/digest me link", code=code[1])


async def play_4_november(month: Month) -> None:
    """The digest has less audio. Dev says when he is away."""
    *_, dev, _ = _list_kestrel(month)
    await open_day(month)
    await month.reach(month.kestrel, "9:15")
    await dev.types("/digest meet away 16 nov to 20 nov")
    await dev.types("/digest settings")
    await close_day(month)


async def play_5_november(month: Month) -> None:
    """Berlin meets."""
    ada, bruno, chiara, dev, _ = _list_kestrel(month)
    await open_day(month)
    await month.reach(month.kestrel, "16:00")
    await month.reach(month.kestrel, "17:10")
    agenda = "Tool Calls", "Afterwards"
    await everybody_taps([bruno, dev], "Worth it", *agenda)
    await everybody_taps([bruno, chiara], "Limitation: not true", *agenda)
    await dev.taps("Limitation: can't tell", *agenda)
    await chiara.types(
        f"/digest note {find_paper_id('Tool Calls')} the cost in latency is in their appendix, 40 ms a call"
    )
    await month.reach(month.kestrel, "17:20")
    await ada.types("/paper tool calls that fail")


async def play_6_november(month: Month) -> None:
    """Boston finds a favourite, and Dev of Berlin looks it up."""
    dev = month.people["Dev of Kestrel"]
    eve, farid, hugo, grace = _list_harbor(month)
    await open_day(month)
    await month.reach(month.harbor, "9:00")
    await month.reach(month.harbor, "9:20")
    await everybody_marks([eve, farid, hugo, grace], "Video Models Do Not")
    await month.reach(month.kestrel, "17:00")
    await dev.types("/paper video models do not know")
    await dev.shares("Video Models Do Not")


async def play_9_november(month: Month) -> None:
    """The first recap comes in Berlin, and the poll in Boston."""
    _, bruno, _, dev, _ = _list_kestrel(month)
    eve, farid, hugo, grace = _list_harbor(month)
    await open_day(month)
    await month.reach(month.kestrel, "9:20")
    await everybody_marks([bruno, dev], "Agents That Ask")
    await month.reach(month.harbor, "9:00")
    await month.reach(month.harbor, "18:00")
    await month.reach(month.harbor, "18:20")
    poll = "Which paper on Monday 16 November?"
    await hugo.votes("Video Models Do Not", poll)
    await farid.votes("Judges Who Read", poll)
    await grace.votes("Video Models Do Not", poll)
    await everybody_types([eve, farid], "/digest meet join")
    await hugo.types("/digest meet ics")


async def play_10_november(month: Month) -> None:
    """Chiara finds a paper at last."""
    bruno, chiara = month.people["Bruno of Kestrel"], month.people["Chiara of Kestrel"]
    await open_day(month)
    await month.reach(month.kestrel, "9:40")
    await everybody_marks([bruno, chiara], "The Last Token Problem")
    await month.reach(month.kestrel, "9:45")
    await bruno.types("/digest queue")
    await close_day(month)


async def play_11_november(month: Month) -> None:
    """Boston has its paper. Hugo is shy, and Eve leads."""
    hugo = month.people["Hugo of Harbor"]
    await open_day(month)
    await month.reach(month.harbor, "9:00")
    await month.reach(month.harbor, "18:00")
    await month.reach(month.harbor, "20:00")
    await hugo.taps("Skip me", "Mon 16 Nov: Video", channel_sees="leads now")


async def play_12_november(month: Month) -> None:
    """Berlin votes again."""
    ada, bruno, chiara, *_ = _list_kestrel(month)
    await open_day(month)
    await month.reach(month.kestrel, "16:00")
    await month.reach(month.kestrel, "16:40")
    poll = "Which paper on Thursday 19 November?"
    await ada.votes("Judges Who Read", poll)
    await chiara.votes("The Last Token Problem", poll)
    await bruno.votes("The Last Token Problem", poll)


async def play_14_november(month: Month) -> None:
    """Berlin has its paper. Ada is busy, Chiara hesitates, and Dev is away: that leaves Bruno."""
    ada, _, chiara, *_ = _list_kestrel(month)
    await month.reach(month.kestrel, "16:00")
    await month.reach(month.kestrel, "18:00")
    await ada.taps("Skip me", "Thu 19 Nov:", channel_sees="leads now")
    await month.reach(month.kestrel, "19:00")
    await chiara.taps("Swap", "Thu 19 Nov:", channel_sees="leads now")


async def play_15_november(month: Month) -> None:
    """Chiara has slept on it."""
    chiara = month.people["Chiara of Kestrel"]
    await month.reach(month.kestrel, "11:00")
    chiara.says("Bruno, you did the last one. I have opinions about summaries anyway.")
    await chiara.taps("I take it", "Thu 19 Nov:", channel_sees="Chiara leads")


async def play_16_november(month: Month) -> None:
    """Boston meets for the second time."""
    eve, farid, hugo, grace = _list_harbor(month)
    await open_day(month)
    await month.reach(month.harbor, "9:00")
    await month.reach(month.harbor, "18:00")
    await month.reach(month.harbor, "19:20")
    agenda = "Video Models", "Afterwards"
    await everybody_taps([eve, farid, hugo, grace], "Worth it", *agenda)
    await everybody_taps([eve, grace], "Limitation: true", *agenda)
    await grace.types("/paper", query="optimizers forget")
    await farid.types(
        "/digest note", paper=find_paper_id("Video Models"), text="Try it with the eight slots doubled."
    )


async def play_19_november(month: Month) -> None:
    """Berlin meets for the second time."""
    ada, bruno, chiara, _, _ = _list_kestrel(month)
    await open_day(month)
    await month.reach(month.kestrel, "16:00")
    await month.reach(month.kestrel, "17:15")
    agenda = "The Last Token", "Afterwards"
    await everybody_taps([ada, bruno, chiara], "Worth it", *agenda)
    await everybody_taps([ada, chiara], "Limitation: true", *agenda)


async def play_20_november(month: Month) -> None:
    """Both teams tidy up the queue before the holidays."""
    ada, bruno, *_ = _list_kestrel(month)
    eve = month.people["Eve of Harbor"]
    await open_day(month)
    await month.reach(month.kestrel, "13:30")
    ada.says("We talked about the judges over lunch, and most of the rest is old. I tidy up.")
    await ada.types("/digest queue")
    await ada.types("/digest queue done 1", lines=2)
    for title in ("Retrieval That Admits", "Short Proofs", "A Dictionary"):
        await ada.types(f"/digest queue pass {find_paper_id(title)}", lines=2)
    await bruno.types(f"/digest queue postpone {find_paper_id('Agents That Ask')}", lines=2)
    await month.reach(month.harbor, "9:00")
    await month.reach(month.harbor, "9:30")
    await eve.passes_on("1")


async def play_23_november(month: Month) -> None:
    """The queue is empty when the poll in Boston opens."""
    await open_day(month)
    await month.reach(month.harbor, "9:00")
    await month.reach(month.harbor, "18:00")


async def play_24_november(month: Month) -> None:
    """Berlin calls off a meeting for a conference."""
    ada = month.people["Ada of Kestrel"]
    await open_day(month)
    await month.reach(month.kestrel, "10:00")
    await ada.types("/digest meet off 30 nov to 11 dec", channel_sees="Ada")
    await close_day(month)


async def play_25_november(month: Month) -> None:
    """Nobody has marked a paper before Thanksgiving, so that Boston does not meet."""
    await open_day(month)
    await month.reach(month.harbor, "9:00")
    await month.reach(month.harbor, "18:00")


async def play_26_november(month: Month) -> None:
    await open_day(month)
    await month.reach(month.kestrel, "16:00")


EVENTS: dict[date, Events] = {
    date(2026, 10, 29): play_29_october,
    date(2026, 10, 30): play_30_october,
    date(2026, 10, 31): play_31_october,
    date(2026, 11, 1): play_1_november,
    date(2026, 11, 2): play_2_november,
    date(2026, 11, 3): play_3_november,
    date(2026, 11, 4): play_4_november,
    date(2026, 11, 5): play_5_november,
    date(2026, 11, 6): play_6_november,
    date(2026, 11, 9): play_9_november,
    date(2026, 11, 10): play_10_november,
    date(2026, 11, 11): play_11_november,
    date(2026, 11, 12): play_12_november,
    date(2026, 11, 14): play_14_november,
    date(2026, 11, 15): play_15_november,
    date(2026, 11, 16): play_16_november,
    date(2026, 11, 19): play_19_november,
    date(2026, 11, 20): play_20_november,
    date(2026, 11, 23): play_23_november,
    date(2026, 11, 24): play_24_november,
    date(2026, 11, 25): play_25_november,
    date(2026, 11, 26): play_26_november,
}


def _list_kestrel(month: Month) -> list[Person]:
    return [person for name, person in month.people.items() if name.endswith("Kestrel")]


def _list_harbor(month: Month) -> list[Person]:
    return [person for name, person in month.people.items() if name.endswith("Harbor")]
