"""Answers about a channel's digest: show it now, subscribe, change, pause, resume, unsubscribe, undo."""

from dataclasses import dataclass, replace
from datetime import timedelta

from bot.chat.message import Button, ButtonAction, Buttons, Message, Text
from bot.conversation.context import NOT_YOURS, ConversationContext, Person, Reply
from bot.conversation.feedback import FeedbackAnswers
from bot.conversation.subscription_form import SubscriptionForm, form_of, parse_form
from bot.conversation.subscription_summary import describe_difference, describe_subscription
from bot.conversation.subscription_words import (
    Understanding,
    format_subscribe_words,
    understand_words,
)
from bot.present.digest import present_digest, present_next_papers
from bot.present.help import ADD_EXAMPLE
from bot.present.wording import format_weekday_date, name_place, present_sentence
from digests.build import build_unsent
from digests.errors import InputError
from digests.next_papers import build_next_papers, parse_next_papers
from digests.schedule import next_due_edition
from digests.subscription import (
    DEFAULT_STYLE,
    MAX_NAME_CHARACTERS,
    Channel,
    DigestStyle,
    Preferences,
    Schedule,
    Subscription,
    SubscriptionChange,
    normalize_name,
)
from digests.text import normalize_text, parse_number

NO_DIGEST = "There is no digest here yet."

_TASK = "change a channel's digest"


@dataclass(frozen=True, slots=True)
class SubscriptionAnswers:
    """Answers about the digest of a channel. Synchronous: call from a worker thread.

    Methods that change a digest raise InputError for a person who may not, and for a digest from the settings
    file, which people can only pause and resume. Nothing is changed then. The reply to a change has an
    announcement to the channel, with a button that undoes the change. If nothing changed, it has none. Errors
    of the store pass through.
    """

    context: ConversationContext

    def show_today(self, channel: Channel, days_ago: int = 0) -> Reply:
        """Return the papers of a day that the channel's preferences pick. The day ended `days_ago`.

        Needs no subscription: without one, the default preferences count. Nothing is recorded as shown.
        Raises InputError if the stored preferences name an unknown domain.
        """
        return Reply(self._build_digest_message(self._load_subscription(channel), 1, days_ago=days_ago))

    def show_top_papers(self, channel: Channel, top: int | None, days: int | None) -> Reply:
        """Return the papers of the last `days`, up to `top`, that the channel's preferences pick.

        Nothing is recorded as shown. None stands for the channel's own number and time span.
        """
        subscription = self._load_subscription(channel)
        preferences = subscription.preferences
        if top:
            preferences = replace(preferences, top=top)
        return Reply(self._build_digest_message(replace(subscription, preferences=preferences), days))

    def count_papers(self, channel: Channel) -> int:
        """Return the largest number of papers in a digest of the channel."""
        return self._load_subscription(channel).preferences.top

    def _load_subscription(self, channel: Channel) -> Subscription:
        return self._find_subscription(channel) or Subscription(channel)

    def _build_digest_message(
        self, subscription: Subscription, days: int | None, *, days_ago: int = 0
    ) -> Message:
        """Build a digest that is not delivered: it ignores papers shown before, and records none as shown.

        It looks `days` back from `days_ago`, None for the usual first look-back of a channel.
        """
        now, policy = self.context.clock() - timedelta(days=days_ago), self.context.digest_policy
        if days:
            policy = replace(policy, first_lookback=timedelta(days=days))
        unsent = replace(subscription, id=0)
        digest = build_unsent(
            unsent,
            now.date(),
            store=self.context.store,
            policy=policy,
            now=now,
            find_likeness=self.context.find_likeness,
        )
        return present_digest(replace(digest, after_seq=None))

    def show_next_papers(self, value: str, channel: Channel) -> Message:
        """Return the papers after those of a posted digest, by the value of its button. Records nothing.

        A digest that was renamed since is found. Raises InputError for a value that is none of ours, and if
        the channel has no digest any more.
        """
        context, reference = self.context, parse_next_papers(value)
        subscription = context.store.delivery_reports.find_renamed_digest(
            channel, reference.name, reference.edition, reference.to_seq
        )
        digest, following = build_next_papers(
            reference,
            subscription or self._require_subscription(channel, reference.name),
            store=context.store,
            policy=context.digest_policy,
            now=context.clock(),
            find_likeness=context.find_likeness,
        )
        return present_next_papers(digest, following)

    def show_settings(self, channel: Channel, person: Person, name: str = "") -> Reply:
        """Describe a digest of the channel in a sentence, with the form if this person may change it.

        Without a main digest the form has default values, unless the only digest has a name: it is that one's
        then. A digest from the settings file comes without a form. A person without permission gets a
        sentence about that. What people here agree on by feedback is said too. Raises InputError for the
        name of a digest that the channel does not have.
        """
        subscription = self._require_subscription(channel, name) if name else self._find_main_or_only(channel)
        return self._present_settings(subscription, channel, person)

    def _present_settings(self, subscription: Subscription | None, channel: Channel, person: Person) -> Reply:
        state = self._describe_state(subscription) if subscription else NO_DIGEST
        feedback = FeedbackAnswers(self.context).describe_feedback(channel) if subscription else ""
        state = f"{state} {feedback}".strip()
        if subscription and subscription.is_from_settings:
            managed = "It is managed in the server's settings file; ask your admin."
            return Reply(present_sentence(f"{state} {managed}"))
        if not self.context.may_change_digest(channel, person):
            refusal = NOT_YOURS if channel.is_direct else self.context.describe_permission(_TASK)
            return Reply(present_sentence(refusal if channel.is_direct else f"{state} {refusal}"))
        return Reply(
            present_sentence(state), form=form_of(subscription or _new_subscription(channel, person))
        )

    def save_form(self, form: SubscriptionForm, channel: Channel, person: Person) -> Reply:
        """Check a filled-in form, store it as the channel's digest with its name, and return the reply.

        Subscribes the channel if it has no such digest. A stopped digest starts again, a paused one stays
        paused.
        Raises FormError with a sentence for each wrong field, and InputError for a person who may not change
        the digest and for a digest from the settings file. Nothing is stored then.
        """
        self.context.require_permission(channel, person, _TASK)
        name = normalize_name(form.name)
        before = self._find_subscription(channel, name)
        base = before or replace(_new_subscription(channel, person), name=name)
        after = parse_form(form, base)
        return self._change_subscription(channel, after, person, name if before else after.name)

    def subscribe_channel(
        self, words: str, channel: Channel, person: Person, *, is_confirmed: bool = False
    ) -> Reply:
        """Subscribe the channel by words; in one that has a digest, say what would change and ask.

        The form of the question is filled in with the change. A confirmed change is made, and resumes a
        paused digest. Without words the reply is that of `show_settings` for the main digest. Words that are
        not understood are answered with a sentence, and with the form filled in as far as the others were.
        Raises InputError for a person who may not change the digest.
        """
        before = self._find_subscription(channel)
        if not words:
            return self._present_settings(before, channel, person)
        self.context.require_permission(channel, person, _TASK)
        understanding = understand_words(words, before or _new_subscription(channel, person))
        if understanding.problems:
            return _present_problem(understanding)
        after = replace(understanding.subscription, paused_by="", paused_by_id="")
        difference = describe_difference(before, after) if before else ""
        if before and difference and not before.is_from_settings and not is_confirmed:
            return Reply(_present_question(difference), form=form_of(after))
        return self._change_subscription(channel, after, person)

    def change_digest(self, words: str, channel: Channel, person: Person) -> Reply:
        """Change what the words name in the channel's digest, and leave the rest, a pause too.

        The name of a digest in front, in quotes, means that one; a name alone shows its settings and form.
        Words that are not understood are answered as by `subscribe_channel`. Raises InputError if the channel
        has no such digest.
        """
        name, rest = self._split_name(words, channel)
        if name and not rest:
            return self.show_settings(channel, person, name)
        if name:
            return self.add_digest(name, rest, channel, person)
        self.context.require_permission(channel, person, _TASK)
        understanding = understand_words(words, self._require_subscription(channel), keeps_others=True)
        if understanding.problems:
            return _present_problem(understanding)
        after = understanding.subscription
        return self._change_subscription(channel, after, person, after.name)

    def add_digest(self, name: str, words: str, channel: Channel, person: Person) -> Reply:
        """Give the channel one more digest with a name, or change what the words name in the one it has.

        Raises InputError without words, for words that are not understood, and for one digest too many.
        """
        self.context.require_permission(channel, person, _TASK)
        before = self._find_subscription(channel, name)
        if not words:
            raise InputError(
                f"Write what “{name}” is to show: {self.context.digest_command} {ADD_EXAMPLE}"
                if not before
                else f"{self._describe_state(before)} Write what to change behind the name."
            )
        base = before or replace(_new_subscription(channel, person), name=name)
        understanding = understand_words(words, base, keeps_others=before is not None)
        if understanding.problems:
            raise InputError(f"{understanding.problems[0]} Nothing was changed yet.")
        return self._change_subscription(channel, understanding.subscription, person, name)

    def list_digests(self, channel: Channel) -> Reply:
        """Describe all digests of the channel, one a line, with the command that brings one more."""
        digests = self.context.store.subscriptions.list_of_channel(channel)
        command = self.context.digest_command
        if not digests:
            return Reply(present_sentence(f"{NO_DIGEST} {command} subscribe brings one."))
        lines = "\n".join(self._describe_state(each) for each in digests)
        note = Text(f"One more: {command} {ADD_EXAMPLE}", is_small_print=True)
        return Reply(Message("The digests here", (Text(lines), note)))

    def _split_name(self, words: str, channel: Channel) -> tuple[str, str]:
        """Split the name of a digest of the channel off the front of words; return "" without one.

        A name alone need not be in quotes.
        """
        names = {each.name for each in self.context.store.subscriptions.list_of_channel(channel)} - {""}
        text = words.strip()
        first, _, rest = text[1:].partition('"') if text.startswith('"') else (text, "", "")
        name = normalize_text(first[: 10 * MAX_NAME_CHARACTERS]).casefold()
        return (name, rest.strip()) if name in names else ("", words)

    def pause_digest(self, channel: Channel, person: Person, name: str = "") -> Reply:
        """Pause a digest of the channel until somebody resumes it. A pause by somebody else stays theirs.

        Raises InputError if the channel has no such digest.
        """
        self.context.require_permission(channel, person, _TASK)
        subscription = self._require_subscription(channel, name)
        after = subscription
        if not subscription.paused_by:
            after = replace(subscription, paused_by=person.name, paused_by_id=person.qualify_id(channel))
        return self._change_subscription(channel, after, person, subscription.name)

    def resume_digest(self, channel: Channel, person: Person, name: str = "") -> Reply:
        """Resume a digest that a person paused, or that was stopped because the channel took no posts.

        All digests of the channel that were stopped start again. Unfinished deliveries of earlier dates are
        given up. Raises InputError if the channel has no such digest. A digest that was only stopped is
        resumed without announcement.
        """
        self.context.require_permission(channel, person, _TASK)
        subscription = self._require_subscription(channel, name)
        name = subscription.name
        if subscription.stop_reason:
            self.context.store.subscriptions.start(
                channel, now=self.context.clock(), by=person.name, by_id=person.qualify_id(channel)
            )
            if not subscription.paused_by:
                running = self._require_subscription(channel, name)
                return Reply(present_sentence(self._describe_state(running)))
        after = replace(subscription, paused_by="", paused_by_id="", stop_reason="")
        return self._change_subscription(channel, after, person, name)

    def rename_digest(self, channel: Channel, person: Person, name: str, new_name: str) -> Reply:
        """Rename a digest of the channel. It keeps what it showed, and its schedule.

        Raises InputError if the channel has no such digest, or has one with the new name.
        """
        self.context.require_permission(channel, person, _TASK)
        subscription = self._require_subscription(channel, name)
        after = replace(subscription, name=new_name)
        return self._change_subscription(channel, after, person, subscription.name)

    def unsubscribe_channel(self, channel: Channel, person: Person, name: str = "") -> Reply:
        """Remove a digest of the channel. Raises InputError if the channel has no such digest."""
        self.context.require_permission(channel, person, _TASK)
        subscription = self._require_subscription(channel, name)
        return self._change_subscription(channel, None, person, subscription.name)

    def undo_change(self, change: str, channel: Channel, person: Person) -> Reply:
        """Restore the channel's subscription before the change with this number, and announce that.

        `change` is the value of an undo button, and not trusted. The restoration is a change itself, with its
        own undo button. Raises InputError if the channel has no such change, or the digest was changed since.
        """
        self.context.require_permission(channel, person, _TASK)
        reversal = None
        if (number := parse_number(change)) is not None:
            reversal = self.context.store.subscriptions.undo(
                number,
                channel,
                by=person.name,
                by_id=person.qualify_id(channel),
                now=self.context.clock(),
            )
        if not reversal:
            raise InputError(
                "That cannot be undone here: the digest was changed since, or the change was made elsewhere. "
                f"{self.context.digest_command} settings shows it."
            )
        return self._reply_to_change(reversal)

    def _change_subscription(
        self, channel: Channel, after: Subscription | None, person: Person, name: str = ""
    ) -> Reply:
        """Store a subscription in place of the channel's present one; None removes it. Returns the reply.

        A reply without announcement says that nothing changed. Raises InputError for a digest from the
        settings file.
        """
        change = self.context.store.subscriptions.change(
            channel,
            after,
            by=person.name,
            by_id=person.qualify_id(channel),
            now=self.context.clock(),
            name=name,
        )
        if not change:
            state = self._describe_state(self._require_subscription(channel, name))
            return Reply(present_sentence(f"Nothing changed. {state}"))
        return self._reply_to_change(change, is_zone_known=bool(person.time_zone))

    def _reply_to_change(self, change: SubscriptionChange, *, is_zone_known: bool = True) -> Reply:
        """Return the announcement of a change; of a new digest in UTC, also how to say another zone."""
        state = self._describe_state(change.after) if change.after else ""
        command, done = self.context.digest_command, "Done."
        is_new = change.after is not None and change.before is None
        if is_new and not is_zone_known and change.after and change.after.schedule.time_zone == "UTC":
            done = f"Done. The time is in UTC; another zone is set with: {command} set in Berlin"
        return Reply(present_sentence(done), present_change(change, state, command))

    def _find_subscription(self, channel: Channel, name: str = "") -> Subscription | None:
        return self.context.store.subscriptions.find(channel, name)

    def _find_main_or_only(self, channel: Channel) -> Subscription | None:
        """Return the main digest of the channel, or its only one; None without a digest, and for several."""
        digests = self.context.store.subscriptions.list_of_channel(channel)
        return digests[0] if len(digests) == 1 else self._find_subscription(channel)

    def _require_subscription(self, channel: Channel, name: str = "") -> Subscription:
        """Return the subscription for a digest of the channel, without a name the main one, or the only one.

        Raises InputError if there is none.
        """
        subscription = self._find_subscription(channel, name)
        if subscription:
            return subscription
        command = self.context.digest_command
        digests = self.context.store.subscriptions.list_of_channel(channel)
        if not digests:
            raise InputError(f"{NO_DIGEST} {command} subscribe brings one.")
        if not name and len(digests) == 1:
            return digests[0]
        known = ", ".join(f"“{each.name}”" if each.name else "the main digest" for each in digests)
        wanted = f"no digest “{name}”" if name else "no main digest"
        raise InputError(f"There is {wanted} here. These are here: {known}.")

    def _describe_state(self, subscription: Subscription) -> str:
        """Describe a subscription in sentences, with the date of its next digest.

        For a stopped or paused one the reason takes the place of the date, with the command that resumes it.
        """
        name = subscription.name
        prefix, resume = (f"“{name}”: ", f"resume {name}") if name else ("", "resume")
        description = f"{prefix}{describe_subscription(subscription)}."
        command = self.context.digest_command
        if subscription.stop_reason:
            return f"{description} Stopped: {subscription.stop_reason} {command} {resume} tries again."
        if subscription.paused_by:
            return f"{description} Paused by {subscription.paused_by}. {command} {resume} turns it back on."
        edition = next_due_edition(subscription.schedule, self.context.clock()).edition
        return f"{description} The next comes on {format_weekday_date(edition)}."


def _new_subscription(channel: Channel, person: Person) -> Subscription:
    schedule = Schedule(time_zone=person.time_zone or "UTC")
    style = DigestStyle.COMPACT if channel.is_direct else DEFAULT_STYLE
    return Subscription(channel, Preferences(style=style), schedule, owner_id=person.id)


def _present_problem(understanding: Understanding) -> Reply:
    """Return the first sentence about words that were not understood, and the form with the others."""
    return Reply(
        present_sentence(f"{understanding.problems[0]} Nothing was changed yet."),
        form=form_of(understanding.subscription),
    )


def _present_question(difference: str) -> Message:
    """Build the question whether to change a digest. The form, or the command with “yes”, is the answer."""
    question = f"There is a digest here already, and this would change it: {difference}."
    note = "Nothing was changed yet. Save the form, or give the same command with “yes” at its end."
    return Message(question, (Text(question), Text(note, is_small_print=True)))


def present_change(change: SubscriptionChange, state: str, command: str) -> Message:
    """Build the announcement of a change, with a button that undoes it.

    It says the person, the change, and the `state` of the digest now, a sentence. After an unsubscription,
    `state` is "", and the command that subscribes the channel again takes its place.
    """
    outcome = f"{change.by} {_describe_change(change)}"
    undo = Button(ButtonAction.UNDO, "Undo", str(change.id))
    note = state
    if not note and change.before and not change.after:
        verb = f'add "{change.name}"' if change.name else "subscribe"
        note = f"To have it again: {command} {verb} {format_subscribe_words(change.before)}"
    notes = (Text(note, is_small_print=True),) if note else ()
    return Message(outcome, (Text(outcome), *notes, Buttons((undo,))))


def _describe_change(change: SubscriptionChange) -> str:
    place = name_place(change.channel)
    digest = f"{place}'s digest “{change.name}”" if change.name else f"{place}'s digest"
    match change.before, change.after:
        case None, _ if change.name:
            return f"gave {place} the digest “{change.name}”."
        case None, _:
            return f"subscribed {place} to Paperround."
        case _, None:
            return f"ended {digest}."
        case before, after:
            difference = describe_difference(before, after)
            if before.name != after.name:
                new_name = f"“{after.name}”" if after.name else "the main digest"
                return f"renamed {digest} to {new_name}{f'; {difference}' if difference else ''}."
            if before.is_running != after.is_running and not difference:
                verb = "resumed" if after.is_running else "paused"
                return f"{verb} {digest}."
            return f"changed {digest}: {difference}."
