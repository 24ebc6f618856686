"""Meetings: the plan of a channel, its coming meeting, the poll, and the people who lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from digests.meetings.model import Candidate, MeetingPlan, Member, Timetable
from digests.subscription import Channel

PICKED_BY = "the meeting"
"""Name under which the paper of a meeting is taken off the queue, without an id."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """One meeting of a channel, with the plan that it follows.

    `id` is that of the meeting, and `plan_id` that of the plan. `revision` grows with every change that a
    post of the meeting may show, and `plan_revision` with every change of the plan: it is the key for undoing
    the last one. `is_active` is False once the plan was ended. `paper` is None until it is chosen.
    `presenter` is the platform's id of the person who leads, empty while nobody does. `discussed` are the
    papers of the plan's other meetings. `votes` has the paper of each person, by id. `was_held` is False for
    one that was called off, as of its last change: what became of the plan after its start does not count.
    """

    id: int
    plan_id: int
    subscription_id: int
    channel: Channel
    plan: MeetingPlan
    timetable: Timetable
    revision: int
    plan_revision: int
    is_active: bool
    paper: str | None = None
    chosen_at: datetime | None = None
    presenter: str = ""
    candidates: tuple[Candidate, ...] = ()
    votes: Mapping[str, str] = field(default_factory=dict)
    members: tuple[Member, ...] = ()
    discussed: frozenset[str] = frozenset()
    was_held: bool = True

    @property
    def is_off(self) -> bool:
        """Return True if the meeting is on a day off."""
        return self.plan.is_day_off(self.plan.find_day(self.timetable.starts_at))

    @property
    def is_held(self) -> bool:
        """Return True if the meeting takes place, as far as it is known."""
        return self.is_active and not self.is_off


class MeetingPlans(Protocol):
    """Plans of meetings, one a channel, and the people who lead them.

    A plan belongs to a digest of its channel: it rests while that digest is paused or stopped.
    """

    def find(self, channel: Channel) -> Meeting | None:
        """Return the channel's coming meeting, also of a plan that was ended; None without a plan.

        It is the last one until the next is planned, at its start.
        """

    def save(self, subscription_id: int, plan: MeetingPlan, *, by: str, by_id: str, now: datetime) -> Meeting:
        """Save the plan of a subscription, also one that was ended, and return its coming meeting.

        A plan of another digest of the channel ends, also of one that was ended. A new schedule moves the
        meeting, as `move_meeting` says. `by` is the name of the person with the id
        `by_id`.
        """

    def end(self, plan_id: int, *, by: str, by_id: str, now: datetime) -> Meeting | None:
        """End a plan, and return its coming meeting. Returns None if it was ended before."""

    def undo(self, plan_id: int, plan_revision: int, *, by: str, by_id: str, now: datetime) -> Meeting | None:
        """Undo the last change of a plan, if it led to this revision; the undoing is a change too.

        Returns None, and changes nothing, if there was another change since.
        """

    def save_member(self, plan_id: int, member: Member) -> None:
        """Save a person who may lead, in place of what is stored of the person.

        What follows from meetings, `led_at` and `has_declined`, is not saved.
        """

    def remove_member(self, plan_id: int, person: str) -> bool:
        """Remove a person from those who may lead; return False if the person was not among them."""


class Meetings(Protocol):
    """Steps of single meetings. Each can be repeated after a crash: it has no second effect."""

    def find_of_delivery(self, delivery_id: int) -> Meeting | None:
        """Return the meeting of which a delivery is a post; None if there is none."""

    def find_interested(self, meeting: Meeting, *, in_workspace: bool) -> Sequence[str]:
        """Return the ids of the people who marked or voted for the paper of a meeting, in alphabetical order.

        Marks count in the meeting's channel, and with `in_workspace` in all channels of its workspace.
        """

    def list_undecided(self, *, until: datetime, limit: int) -> Sequence[Meeting]:
        """Return up to `limit` meetings of active plans whose paper is to be chosen by an instant.

        The plans of a digest that is paused, stopped or ended rest, and one that cannot be read is left out.
        Those whose paper is chosen first come first.
        """

    def open_poll(self, meeting_id: int, candidates: Sequence[Candidate]) -> Meeting | None:
        """Store the papers of a poll, unless it has some or its paper is chosen; return the meeting."""

    def vote(self, meeting_id: int, number: int, person: str, *, now: datetime) -> Meeting | None:
        """Store a person's vote for the candidate at a place, counted from 0, in place of an earlier vote.

        Returns the meeting, and None without an effect if its poll is not open or has no such candidate.
        """

    def choose_paper(
        self, meeting: Meeting, paper: str, presenter: Member | None, *, now: datetime
    ) -> Meeting | None:
        """Store the paper and the presenter of a meeting, and return it.

        Returns None without an effect if the meeting has changed since it was read, such as by a vote.
        """

    def release_paper(self, meeting: Meeting, *, now: datetime) -> Meeting | None:
        """Take the paper of a meeting back, so that another can be chosen, and return the meeting.

        Whoever leads stays. A meeting without a paper only gets a new revision, so that its posts follow.
        Returns None without an effect if the meeting has changed since it was read.
        """

    def set_presenter(
        self, meeting: Meeting, presenter: Member | None, *, declined: Member | None, now: datetime
    ) -> Meeting | None:
        """Store who leads a meeting in place of another, and return the meeting.

        `declined` is a member who gave the meeting up: that is saved, and so is `passed_at`. Returns None
        without an effect if the meeting has changed since it was read.
        """
