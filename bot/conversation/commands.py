"""The commands after /digest, as values. `parse_digest_command` makes them of what people type."""

from dataclasses import dataclass

from bot.present.citations import ExportFormat, ExportKind
from digests.model import QueueOutcome


@dataclass(frozen=True, slots=True)
class ShowToday:
    """/digest today or yesterday: show the papers of a day that the channel's preferences pick.

    The day ended `days_ago`, 0 for now.
    """

    days_ago: int = 0


@dataclass(frozen=True, slots=True)
class ShowTopPapers:
    """/digest top N WORDS: show the best papers that the words and their filters find, as /paper reads them.

    Without words, show the channel's own choice of the last `days`. A part that is not typed is None or "",
    and stands for the channel's own setting.
    """

    top: int | None = None
    days: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class SubscribeChannel:
    """/digest subscribe WORDS: subscribe the channel, or change its subscription once that is confirmed.

    Without words: show the form. A "yes" at the end confirms the change.
    """

    words: str = ""
    is_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class ChangeDigest:
    """/digest set WORDS: change what the words name in the channel's subscription, and nothing else."""

    words: str


@dataclass(frozen=True, slots=True)
class ShowSettings:
    """/digest settings: describe the channel's digest, and show the form to change it."""


@dataclass(frozen=True, slots=True)
class AddDigest:
    """/digest add NAME WORDS: give the channel one more digest, or change what the words name in that one."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class RenameDigest:
    """/digest rename NAME to NEW_NAME: rename a digest of the channel, without NAME the main or only one."""

    name: str
    new_name: str


@dataclass(frozen=True, slots=True)
class ListDigests:
    """/digest list: describe all digests of the channel."""


@dataclass(frozen=True, slots=True)
class PauseDigest:
    """/digest pause NAME: deliver no digest until somebody resumes it. Without a name: the main one."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class ResumeDigest:
    """/digest resume NAME: deliver a paused or stopped digest again."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class UnsubscribeChannel:
    """/digest unsubscribe NAME, or remove NAME: remove a digest of the channel."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class ShowQueue:
    """/digest queue PAGE: list the papers to discuss, a page at a time; `page` counts from 1."""

    page: int = 1


@dataclass(frozen=True, slots=True)
class DecideOnPaper:
    """/digest queue done, pass, postpone or remove ENTRY: decide about a paper of the queue.

    The entry is its place in the queue or its id.
    """

    outcome: QueueOutcome
    entry: str


@dataclass(frozen=True, slots=True)
class ReturnPaper:
    """/digest queue back PAPER: undo the last decision about a paper, which is named by its id."""

    entry: str


@dataclass(frozen=True, slots=True)
class MarkPaper:
    """/digest mark PAPER: mark a paper for discussion, or take the person's mark back."""

    paper: str


@dataclass(frozen=True, slots=True)
class ShowFeedback:
    """/digest feedback: list what people of the channel say of papers."""


@dataclass(frozen=True, slots=True)
class GiveOpinion:
    """/digest feedback more PAPER, or less PAPER: say that the channel should get more or fewer like it."""

    paper: str
    is_more: bool


@dataclass(frozen=True, slots=True)
class ResetFeedback:
    """/digest feedback reset: delete what people of the channel said, once it is confirmed by "yes"."""

    is_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Meet:
    """/digest meet WORDS: plan the channel's meetings, or change who leads; without words, show them."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class WriteNote:
    """/digest note PAPER TEXT: keep a note about a paper."""

    paper: str
    text: str


@dataclass(frozen=True, slots=True)
class ShowNotes:
    """/digest notes PAPER: show the notes about a paper here; without a paper, the person's own."""

    paper: str = ""


@dataclass(frozen=True, slots=True)
class ShowGroup:
    """/digest group: say with whom the queue is shared."""


@dataclass(frozen=True, slots=True)
class JoinGroup:
    """/digest group join NAME: agree to share the queue with the others of a group."""

    name: str


@dataclass(frozen=True, slots=True)
class LeaveGroup:
    """/digest group leave NAME: share the queue no more."""

    name: str


@dataclass(frozen=True, slots=True)
class LinkAccount:
    """/digest link CODE: link the person's account with another; without a code, make one."""

    code: str = ""


@dataclass(frozen=True, slots=True)
class UnlinkAccount:
    """/digest unlink: take the person's account out of its links."""


@dataclass(frozen=True, slots=True)
class ShowHeldPapers:
    """/digest held: list the suspect papers that wait for a decision."""


@dataclass(frozen=True, slots=True)
class ForgetPerson:
    """/digest me forget, or forget me: erase what is kept about the person, once it is confirmed by "yes"."""

    is_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class ExportPerson:
    """/digest me export, or export me: show what is kept about the person."""


@dataclass(frozen=True, slots=True)
class ExportPapers:
    """/digest export KIND FORMAT: give the person a list of papers as a file."""

    kind: ExportKind
    export_format: ExportFormat = ExportFormat.MARKDOWN


@dataclass(frozen=True, slots=True)
class ShowDigestHelp:
    """/digest help, or /digest alone: list the commands."""


DigestCommand = (
    ShowToday
    | ShowTopPapers
    | SubscribeChannel
    | ChangeDigest
    | ShowSettings
    | AddDigest
    | RenameDigest
    | ListDigests
    | PauseDigest
    | ResumeDigest
    | UnsubscribeChannel
    | ShowQueue
    | DecideOnPaper
    | ReturnPaper
    | MarkPaper
    | ShowFeedback
    | GiveOpinion
    | ResetFeedback
    | Meet
    | WriteNote
    | ShowNotes
    | ShowGroup
    | JoinGroup
    | LeaveGroup
    | LinkAccount
    | UnlinkAccount
    | ShowHeldPapers
    | ForgetPerson
    | ExportPerson
    | ExportPapers
    | ShowDigestHelp
)
