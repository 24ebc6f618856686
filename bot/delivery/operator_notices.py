"""Notices to the operator: sentences about the set-up that no channel is to read, as direct messages."""

import asyncio
import logging
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b

from bot.chat.attempt import with_deadline
from bot.chat.message import Message
from bot.chat.port import Platform, PostError
from bot.present.wording import present_sentence
from bot.storage import run_background
from digests.errors import PaperroundError
from digests.ports.notes import Notes
from digests.subscription import Channel, DigestStyle, Subscription

log = logging.getLogger(__name__)


@dataclass(slots=True)
class OperatorNotices:
    """Sends each notice once: to the operator's channel, else to the `deciders`, else to a digest's owner.

    `channel` and `deciders` are those of the settings. `timeout` limits the messages of a notice, which are
    sent at the same time: a digest waits for them. The store remembers a hash of the last sentence of a kind,
    and so neither channels nor people. The owner of several digests is told by one process only once. A
    notice that was not taken is logged and not sent again.
    """

    notes: Notes
    timeout: timedelta
    deciders: Collection[str] = ()
    channel: Channel | None = None
    _last_sentences: dict[str, str] = field(default_factory=dict)
    """The last sentence by the name of its note, and by the kind and person."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send_notice(
        self, kind: str, sentence: str, subscription: Subscription, platforms: Mapping[str, Platform]
    ) -> None:
        """Send a sentence, unless the last one of its kind was the same. Errors are logged and not raised."""
        recipients = [_parse_decider(each) for each in sorted(self.deciders)]
        recipients = [each for each in recipients if each[0].platform in platforms]
        if self.channel and self.channel.platform in platforms:
            recipients = [(self.channel, "")]
        name = f"operator notice: {kind}"
        if not recipients:
            name += f", subscription {subscription.id}"
            recipients = [(subscription.channel, subscription.owner_id)] if subscription.owner_id else []
        if not recipients or self._last_sentences.get(name) == sentence:
            return
        try:
            async with self._lock:
                self._last_sentences[name] = sentence
                digest = blake2b(sentence.encode("utf-8", "replace"), digest_size=8).hexdigest()
                if await run_background(self.notes.read, name) == digest:
                    return
                await run_background(self.notes.write, name, digest)
        except PaperroundError as error:
            log.warning("what the operator was told is not known: %s", error)
            return
        # Outside of the lock: where messages time out, digests would wait for those of each other.
        await asyncio.gather(
            *(
                self._send_message(kind, channel, person, sentence, platforms)
                for channel, person in recipients
            )
        )

    async def _send_message(
        self, kind: str, channel: Channel, person: str, sentence: str, platforms: Mapping[str, Platform]
    ) -> None:
        key = f"{kind} {channel.platform}:{channel.workspace}:{person}"
        platform = platforms.get(channel.platform)
        if self._last_sentences.get(key) == sentence or not platform:
            return
        self._last_sentences[key] = sentence
        try:
            message = present_sentence(sentence)
            if person:
                await with_deadline(platform.send_direct_message(channel, person, message), self.timeout)
            else:
                await with_deadline(_post_message(message, channel, platform), self.timeout)
        except PostError as error:
            log.warning("%s was not told: %s (%s)", person or channel, sentence, error)
        except Exception:
            log.exception("%s was not told: %s", person or channel, sentence)


async def _post_message(message: Message, channel: Channel, platform: Platform) -> None:
    """Post the first page of a message to a channel, if it takes one. Raises PostError."""
    pages = await platform.fit_pages(channel, platform.render(message, DigestStyle.COMPACT))
    for page in pages[:1]:
        await platform.post(channel, page, key=f"o-{secrets.token_hex(8)}", thread=None)


def _parse_decider(decider: str) -> tuple[Channel, str]:
    """Return the place of a decider, without a channel, and the person's id."""
    platform, workspace, person = decider.split(":")
    return Channel(platform, "", workspace), person
