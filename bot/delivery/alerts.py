"""Alerts: the operator's channel learns once that something fails, and once that it is over."""

import asyncio
import logging
import shutil
import socket
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.chat.attempt import with_deadline
from bot.chat.port import CANNOT_ASK, NoHistory, Outcome, Page, Platform, PostError
from bot.delivery.context import DeliveryContext, UnknownPolicy
from bot.periodic import every
from bot.present.alerts import present_alerts
from bot.present.wording import format_count
from bot.storage import run_background
from digests.model import REVIEWER, HealthReport, Trouble
from digests.ports import Store
from digests.ports.alerts import GIVEN_UP_FOR, AlertKind, AlertMessage, Condition
from digests.ports.metrics import LATE_AFTER
from digests.subscription import Channel, DigestStyle
from digests.workspace_names import find_workspace_names

log = logging.getLogger(__name__)

LEADERSHIP_NAME = "alerts"

POLL_SECONDS = 60.0

SETTLE = timedelta(minutes=2)
"""Time for which a condition must last, or be over, before the channel is told of it."""

GRACE = {
    Trouble.OUTAGE: timedelta(hours=1),
    Trouble.STALE: timedelta(hours=6),
    Trouble.REVIEWER_DOWN: timedelta(minutes=15),
    Trouble.BUDGET_SPENT: timedelta(),
}
"""Time for which a trouble must last before it is a condition. Sources refuse and are late every week."""

MAX_REPORT_AGE = timedelta(days=1)
"""Age of a health report after which it says nothing about now."""

LATE_DIGEST_AFTER = 3 * LATE_AFTER
MAX_DIGESTS = 1000
"""Digests that are told of at a time. When all of them are late, the reason is another."""

MIN_FREE_BYTES = 1_000_000_000
"""Free bytes of the store's disk below which it is nearly full: a backup or a migration needs a copy."""

MAX_BACKUP_AGE = timedelta(days=2)
"""Age of the newest backup at which it is no longer fresh: a daily one may fail once."""

RETRY_AFTER = timedelta(minutes=5)
"""Wait after a request that failed, or whose process died. By its end every request has reached its deadline,
and the channel's history shows it."""
MAX_ATTEMPTS = 100
"""Attempts after which a message is dropped, so that newer ones can be posted."""


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """The operator's channel, and the parts of the set-up that are watched.

    `sources` are the names of those in the settings. `disk_folder` is the folder of the store, None to watch
    no disk. `backup_folder` is that of backups, None if the settings name none.
    """

    channel: Channel
    sources: frozenset[str] = frozenset()
    has_reviewer: bool = False
    disk_folder: Path | None = None
    backup_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class AlertSender:
    """Watches conditions, and posts one message about those that changed. One process at a time does it."""

    context: DeliveryContext
    policy: AlertPolicy
    host: str = socket.gethostname()

    async def run_until_stopped(self, stop: asyncio.Event) -> None:
        """Look and send every `POLL_SECONDS`, until `stop` is set. Errors are logged."""
        if self.policy.channel.platform not in self.context.platforms:
            log.error(
                "the operator's channel %s gets no alerts: there is no %s here",
                self.policy.channel,
                self.policy.channel.platform,
            )
            await stop.wait()
            return
        await every(POLL_SECONDS, self.send_alerts, stop, name=LEADERSHIP_NAME)

    async def send_alerts(self) -> None:
        """Observe every condition, then send the message that is due. Raises StoreError."""
        await run_background(self._observe)
        message = await run_background(self.context.store.alerts.find_due_message, now=self.context.clock())
        if message:
            await self._send_message(message)

    def _observe(self) -> None:
        store, now = self.context.store, self.context.clock()
        lasting = store.alerts.list_lasting()
        elsewhere = [
            (each.kind, each.subject)
            for each in lasting
            if each.kind is AlertKind.DISK and each.subject != self.host
        ]
        conditions = list(find_conditions(store, self.policy, now, self.context.policy.review_wait))
        conditions += find_local_conditions(self.policy, now, self.host)
        store.alerts.observe(conditions, now=now, settle=SETTLE, unseen=elsewhere)

    async def _send_message(self, message: AlertMessage) -> None:
        """Post a message, unless a search shows that an earlier attempt did."""
        alerts, clock = self.context.store.alerts, self.context.clock
        platform, channel = self.context.platforms[self.policy.channel.platform], self.policy.channel
        try:
            if message.sent_at and not await self._is_absent(message, platform):
                await run_background(alerts.confirm, message)
                return
            names = await run_background(find_workspace_names, self.context.store)
            pages = await platform.fit_pages(
                channel, platform.render(present_alerts(message.alerts, names), DigestStyle.COMPACT)
            )
            if not pages:
                log.error("the operator's channel %s takes no alerts: name one that is no forum", channel)
                await run_background(alerts.confirm, message)
                return
            if not await run_background(alerts.mark_sending, message, now=clock(), lease=RETRY_AFTER):
                return
            await self._post_page(pages[0], message, platform)
        except PostError as error:
            log.warning("the operator's channel %s was not told: %s", channel, error)
            await self._put_off(message, was_sent=error.outcome is Outcome.UNKNOWN)
            return
        await run_background(alerts.confirm, message)

    async def _post_page(self, page: Page, message: AlertMessage, platform: Platform) -> None:
        posting = platform.post(self.policy.channel, page, key=message.key, thread=None)
        await with_deadline(posting, self.context.policy.timeout)

    async def _is_absent(self, message: AlertMessage, platform: Platform) -> bool:
        """Return True if a message whose request began before is not in the channel. Raises PostError.

        Where the channel cannot be searched, `on_unknown` decides.
        """
        found: str | NoHistory | None = await with_deadline(
            platform.find(
                self.policy.channel, key=message.key, since=message.sent_at or self.context.clock()
            ),
            self.context.policy.find_timeout,
        )
        if found is CANNOT_ASK:
            return self.context.policy.on_unknown is UnknownPolicy.RESEND
        return found is None

    async def _put_off(self, message: AlertMessage, *, was_sent: bool) -> None:
        """Try again later; drop a message that was tried `MAX_ATTEMPTS` times."""
        alerts = self.context.store.alerts
        if message.attempts >= MAX_ATTEMPTS:
            log.error("the operator's channel was not told: %s", present_alerts(message.alerts).summary)
            await run_background(alerts.confirm, message)
            return
        next_try_at = self.context.clock() + RETRY_AFTER
        await run_background(
            alerts.reschedule, message, next_try_at=next_try_at, was_sent=was_sent or bool(message.sent_at)
        )


def find_conditions(
    store: Store, policy: AlertPolicy, now: datetime, review_wait: timedelta
) -> Iterator[Condition]:
    """Yield the conditions that the store knows of, the same in every process. Raises StoreError. Blocks."""
    for report in store.health.troubles(now - MAX_REPORT_AGE):
        if _is_watched(report, policy) and report.trouble and now - report.since >= GRACE[report.trouble]:
            yield _condition_of_health(report)
    troubled = {
        (platform, workspace): detail for platform, workspace, detail in store.alerts.list_lost_access()
    }
    for installation in store.installations.list_all():
        if installation.problem:
            troubled[installation.platform, installation.workspace] = installation.problem
    for (platform, workspace), detail in troubled.items():
        name = f"{platform}:{workspace}" if workspace else platform
        yield Condition(AlertKind.WORKSPACE, name, detail)
    for trouble in store.alerts.list_digest_troubles(
        now=now,
        late_after=LATE_DIGEST_AFTER + review_wait,
        given_up_since=(now - GIVEN_UP_FOR).date(),
        limit=MAX_DIGESTS,
    ):
        yield Condition(AlertKind.DIGEST, trouble.full_name, trouble.reason)


def _is_watched(report: HealthReport, policy: AlertPolicy) -> bool:
    """Return True for the reviewer and the sources of the settings: the store has former ones too."""
    return report.subject in policy.sources or (report.subject == REVIEWER and policy.has_reviewer)


def _condition_of_health(report: HealthReport) -> Condition:
    waiting = f" {format_count(report.waiting_count, 'paper')} waiting." if report.waiting_count else ""
    detail = f"{report.detail}{waiting}"
    if report.subject != REVIEWER:
        return Condition(AlertKind.SOURCE, report.subject, detail, report.since)
    is_spent = report.trouble is Trouble.BUDGET_SPENT
    return Condition(AlertKind.BUDGET if is_spent else AlertKind.REVIEWER, REVIEWER, detail, report.since)


def find_local_conditions(policy: AlertPolicy, now: datetime, host: str) -> list[Condition]:
    """Return the conditions of this machine: its disk, and the folder of backups. Blocks."""
    conditions = []
    if policy.disk_folder and (detail := _describe_disk(policy.disk_folder)):
        conditions.append(Condition(AlertKind.DISK, host, detail))
    if policy.backup_folder and (detail := _describe_backups(policy.backup_folder, now)):
        conditions.append(Condition(AlertKind.BACKUP, str(policy.backup_folder), detail))
    return conditions


def _describe_disk(folder: Path, measure: Callable[[Path], tuple[int, int, int]] = shutil.disk_usage) -> str:
    """Return a sentence if less than `MIN_FREE_BYTES` are free, else ""."""
    try:
        *_, free = measure(folder)
    except OSError as error:
        log.warning("the free space of %s is not known: %s", folder, error)
        return ""
    return f"{free / 1e6:,.0f} MB are free." if free < MIN_FREE_BYTES else ""


def _describe_backups(folder: Path, now: datetime) -> str:
    """Return a sentence if the newest file of a folder is older than `MAX_BACKUP_AGE`, else ""."""
    try:
        times: Collection[float] = [each.stat().st_mtime for each in folder.iterdir() if each.is_file()]
    except OSError as error:
        return f"The folder cannot be read ({error.strerror or error})."
    if not times:
        return "The folder has no file."
    age = now - datetime.fromtimestamp(max(times), now.tzinfo)
    return f"The newest file is {format_count(age.days, 'day')} old." if age > MAX_BACKUP_AGE else ""
