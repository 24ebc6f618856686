"""Rows of a store of an earlier revision, after its migration to this version."""

from collections.abc import Callable

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from digests.model import NOT_REVIEWED, ReviewDepth
from digests.ports.paper_requests import PaperRequest
from digests.store import open_store
from digests.store.engine import open_database
from digests.store.migration import MIGRATIONS_FOLDER
from digests.subscription import Channel, MatchMode, Preferences, Subscription
from tests.builders import NOW, a_paper, a_review

PAPER = "2401.00001"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('store') / 'p.db'}"
    create_database: Callable[[], str] = request.getfixturevalue("postgres").create_database
    return create_database()


def create_store_of(url: str, revision: str, *statements: str) -> None:
    """Create the tables of a revision, and run statements on them."""
    database, config = open_database(url), Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for statement in statements:
            connection.execute(text(statement))
    database.engine.dispose()


def test_requests_of_0101_are_kept_and_their_papers_are_queued_again_within_the_share(url: str) -> None:
    now = f"'{NOW:%Y-%m-%d %H:%M:%S}.000000{'' if url.startswith('sqlite') else '+00:00'}'"
    create_store_of(
        url,
        "0101",
        f"INSERT INTO paper_requests (paper, at) VALUES ('2401.00001', {now})",
        "INSERT INTO review_queue (paper, review_depth, priority, queued_at, attempts, reason, is_abandoned) "
        f"VALUES ('2401.00001', 'full review', 1000000.0, {now}, 0, '', false), "
        f"('2401.00002', 'full review', 3.0, {now}, 0, '', false)",
    )
    store = open_store(url)
    store.library.add([(a_paper("2401.00001"), NOT_REVIEWED)], now=NOW)
    assert store.paper_requests.list_open(9, 9) == [PaperRequest("2401.00001", NOW)]
    assert [task.paper for task in store.review_queue.next(ReviewDepth.FULL, 9, now=NOW)] == ["2401.00002"]
    store.close()


def test_subscriptions_of_0106_keep_that_a_domain_or_a_keyword_is_enough(url: str) -> None:
    is_on = "1" if url.startswith("sqlite") else "true"
    create_store_of(
        url,
        "0106",
        "INSERT INTO subscriptions (platform, workspace, channel, domains, keywords, muted, top, style, at, "
        "days, time_zone, is_from_settings, active, next_due_at) VALUES ('console', '', 'papers', "
        f"""'["vision"]', '["diffusion"]', '[]', 5, 'cards', '09:00:00', '[0]', 'UTC', """
        f"false, {is_on}, '2026-11-30 09:00:00')",
    )
    store = open_store(url)
    subscription = store.subscriptions.find(Channel("console", "papers"))
    store.close()
    assert subscription
    assert subscription.preferences == Preferences(("vision",), ("diffusion",), match=MatchMode.ANY)


def test_a_subscription_of_0107_keeps_what_was_delivered_and_becomes_the_main_digest(url: str) -> None:
    is_sqlite = url.startswith("sqlite")
    is_on, at = "1" if is_sqlite else "true", "'2026-11-30 09:00:00'"
    create_store_of(
        url,
        "0107",
        "INSERT INTO subscriptions (id, platform, workspace, channel, domains, keywords, muted, top, style, "
        "at, days, time_zone, is_from_settings, active, next_due_at) VALUES (7, 'console', '', 'papers', "
        f"'[]', '[]', '[]', 5, 'cards', '09:00:00', '[0]', 'UTC', false, {is_on}, {at})",
        "INSERT INTO deliveries (id, subscription, edition, state, owner, attempts, reason) "
        "VALUES (3, 7, '2026-11-23', 'posted', '', 1, '')",
        f"INSERT INTO subscription_changes (id, subscription, by, at) VALUES (2, 7, 'Ada', {at})",
    )
    store = open_store(url)
    subscription = store.subscriptions.find(Channel("console", "papers"))
    assert subscription
    assert (subscription.id, subscription.name, subscription.schedule.every_weeks) == (7, "", 1)
    assert [report.edition.day for report in store.delivery_reports.history(subscription, 9)] == [23]
    audio = Subscription(Channel("console", "papers"))
    assert store.subscriptions.change(audio.channel, audio, by="Ada", now=NOW, name="audio")
    with store.library.database.write() as connection:  # type: ignore[attr-defined]
        assert connection.execute(text("SELECT count(*) FROM subscription_changes")).scalar() == 2
        connection.execute(text("DELETE FROM subscriptions WHERE id = 7"))
        assert connection.execute(text("SELECT count(*) FROM deliveries")).scalar() == 0, "references hold"
    store.close()


def test_a_review_of_0109_is_the_only_sample_of_its_model_and_joins_a_panel(url: str) -> None:
    review = "'f', 6.0, 'It works.', '', '', '', '', '', 'one', ''"
    paper = "'2401.00001', '', 'T', '', '', '', '', '', false, 'It works.', 1, 6.0, 'one', 1, 1"
    create_store_of(
        url,
        "0109",
        "INSERT INTO papers (id, name, url, title, authors, abstract, primary_category, categories, flags, "
        "flagged, tldr, review, score, scale, known_seq, changed_seq, known_at) "
        f"VALUES (1, {paper}, '2026-11-20 09:00:00')",
        "INSERT INTO reviews (id, paper, fingerprint, score, tldr, methodology, experiments, "
        f"reproducibility, limitations, impact, model, review_depth) VALUES (1, 1, {review})",
        "UPDATE counters SET value = 1 WHERE name = 'change'",
    )
    store = open_store(url)
    (stored,) = store.library.reviews_of("2401.00001")
    assert (stored.sample, stored.panel) == (0, None)
    store.library.add([(a_paper("2401.00001"), a_review(8.0, model="two"))], now=NOW)
    assert store.library.get(["2401.00001"])["2401.00001"].review.score == 7.0
    store.close()


def test_a_re_review_of_0118_answers_the_reports_from_before_its_request(url: str) -> None:
    def at(hour: int) -> str:
        return f"'2026-11-24 {hour:02}:00:00.000000{'' if url.startswith('sqlite') else '+00:00'}'"

    reports = ", ".join(
        f"('slack', 'T1', 'U{hour}', '{PAPER}', 'score', '', '', 'at {hour}', false, false, {at(hour)})"
        for hour in (7, 9)
    )
    create_store_of(
        url,
        "0118",
        "INSERT INTO review_reports (platform, workspace, person, paper, part, limitation, subject, reason, "
        f"is_right, is_suspect, at) VALUES {reports}",
        'INSERT INTO re_reviews (paper, review_number, limitations, "by", by_id, at, finished_at) '
        f"VALUES ('{PAPER}', 1, '[]', 'Eve', 'slack:T1:UEVE', {at(8)}, {at(10)})",
    )
    store = open_store(url)
    store.library.add([(a_paper(PAPER), NOT_REVIEWED)], now=NOW)
    assert [report.reason for report in store.review_reports.list_open(9)] == ["at 9"]
    store.close()
