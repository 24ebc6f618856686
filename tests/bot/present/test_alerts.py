"""Wording of alerts: what fails and since when, what is over, and never more than one message."""

from datetime import timedelta

import pytest

from bot.platforms.registry import find_platforms, render_pages
from bot.present.alerts import MAX_LISTED_ALERTS, describe_alert, format_duration, present_alerts
from digests.ports.alerts import Alert, AlertKind
from digests.subscription import DigestStyle
from tests.bot.test_renderers import check_page
from tests.builders import NOW

ARXIV = Alert(AlertKind.SOURCE, "arxiv", "arXiv did not answer.", NOW)


def over(alert: Alert, after: timedelta) -> Alert:
    return Alert(alert.kind, alert.subject, alert.detail, alert.since, alert.since + after)


def test_an_alert_names_the_fault_its_start_its_reason_and_what_helps() -> None:
    assert describe_alert(ARXIV) == (
        "🔴 the source arxiv gives no new papers since Tue 24 Nov 09:00 UTC. arXiv did not answer. "
        "“paperround doctor” and “paperround fetch” say more."
    )


def test_the_end_says_how_long_it_lasted() -> None:
    ended = describe_alert(over(ARXIV, timedelta(hours=5, minutes=50)))
    assert ended == "✅ Over after 5 hours: the source arxiv gives no new papers."


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(seconds=5), "1 minute"),
        (timedelta(seconds=-5), "1 minute"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=47, minutes=59), "47 hours"),
        (timedelta(days=3), "3 days"),
    ],
)
def test_a_duration_is_rounded_down_to_its_unit(duration: timedelta, words: str) -> None:
    assert format_duration(duration) == words


def test_the_summary_of_several_counts_what_is_new_and_what_is_over() -> None:
    alerts = [ARXIV, ARXIV, over(ARXIV, timedelta(hours=1))]
    assert present_alerts(alerts).summary == "Alerts of Paperround: 2 new, 1 over"
    assert present_alerts(alerts[2:]).summary == describe_alert(alerts[2])


@pytest.mark.parametrize("platform", sorted(find_platforms()))
@pytest.mark.parametrize("kind", list(AlertKind))
def test_many_long_and_hostile_alerts_are_one_message_on_every_platform(
    platform: str, kind: AlertKind
) -> None:
    hostile = "<!channel> @everyone [x](https://evil.example) \n🔴 all is well &amp; `*_~|" * 40
    alerts = [Alert(kind, f"slack:{n}:{hostile}", hostile, NOW) for n in range(500)]
    message = present_alerts(alerts, {("slack", str(n)): hostile for n in range(500)})
    (page,) = render_pages(message, platform, DigestStyle.COMPACT)
    assert f"And {500 - MAX_LISTED_ALERTS} more" in str(page.payload)
    assert "\\n🔴 all is well" not in str(page.payload)
    check_page(platform, page.payload, message)
