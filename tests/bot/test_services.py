"""The services that are built from the settings."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.delivery.rate_limit import RateLimits
from bot.services import VOTE_TEMPERATURE, build_reviewer, build_services
from config.settings import Settings, StoreSettings
from digests.panel import PanelPolicy
from digests.reviewers.context import PanelSeat
from digests.store.library import SqlLibrary


def test_a_lease_outlasts_the_lag_of_a_history_and_two_requests(tmp_path: Path) -> None:
    """Else another worker could post a page whose answer is still awaited."""
    settings = Settings(store=StoreSettings(url=f"sqlite:///{tmp_path / 'p.db'}"))
    services = build_services(settings, Console(quiet=True))
    policy = services.delivery_context.policy
    assert policy.lease > policy.history_lag + 2 * policy.timeout
    services.store.close()


def test_each_platform_is_limited_to_the_messages_that_it_allows(tmp_path: Path) -> None:
    settings = Settings(store=StoreSettings(url=f"sqlite:///{tmp_path / 'p.db'}"))
    services = build_services(settings, Console(quiet=True))
    limits = {name: limiter.limits for name, limiter in services.delivery_context.rate_limiters.items()}
    assert limits["slack"] == RateLimits(channel=1, workspace=5, history=40)
    assert limits["discord"] == RateLimits(channel=1, bot=40)
    services.store.close()


OURS, THEIRS = "http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"
KEYS = {"PAPERROUND_REVIEWER_KEY": "ours", "PAPERROUND_REVIEWER_KEY_2": "theirs"}


def open_seats(folder: Path, **reviewer: Any) -> tuple[list[PanelSeat], PanelPolicy]:
    """Return the seats of the panel that the settings of the reviewer make, and the policy of the store."""
    store = {"url": f"sqlite:///{folder / 'p.db'}"}
    settings = Settings.model_validate({"store": store, "reviewer": reviewer})
    services = build_services(settings, Console(quiet=True))
    open_context = build_reviewer(services, KEYS)
    assert open_context
    assert isinstance(services.store.library, SqlLibrary)

    async def open_once() -> list[PanelSeat]:
        async with open_context() as context:
            return [context.seat, *context.further_seats]

    try:
        return asyncio.run(open_once()), services.store.library.panel_policy
    finally:
        services.store.close()


def test_one_model_alone_has_one_seat(tmp_path: Path) -> None:
    (seat,), policy = open_seats(tmp_path, base_url=OURS, model="one")
    assert (seat.name, seat.budget_share, seat.server.address.api_key) == ("one", 1.0, "ours")
    assert seat.server.address.extra_body == {}
    assert policy == PanelPolicy(("one",))


def test_a_panel_begins_with_its_weightiest_model_and_sends_no_key_to_another_server(tmp_path: Path) -> None:
    panel = [
        {"model": "two"},
        {"model": "three", "base_url": THEIRS, "weight": 2.0, "share": 0.5},
        {"model": "four", "base_url": "http://127.0.0.1:3/v1"},
        {"model": "imported", "weight": 0.0},
    ]
    seats, policy = open_seats(tmp_path, base_url=OURS, model="one", panel=panel)
    assert [(seat.name, seat.server.address.base_url, seat.server.address.api_key) for seat in seats] == [
        ("three", THEIRS, "theirs"),
        ("one", OURS, "ours"),
        ("two", OURS, "ours"),
        ("four", "http://127.0.0.1:3/v1", ""),
    ]
    assert [seat.budget_share for seat in seats] == [0.5, 1.0, 1.0, 1.0]
    assert policy.reviewers == ("three", "one", "two", "four")
    assert [policy.weight_of(model) for model in ("one", "three", "imported")] == [1.0, 2.0, 0.0]


def test_the_models_of_one_server_share_its_slots(tmp_path: Path) -> None:
    panel = [{"model": "two"}, {"model": "three", "base_url": THEIRS}]
    (one, two, three), _ = open_seats(tmp_path, base_url=OURS, model="one", panel=panel)
    assert one.server.slots is two.server.slots
    assert one.server.slots is not three.server.slots


def test_further_votes_are_samples_of_each_model(tmp_path: Path) -> None:
    seats, _ = open_seats(tmp_path, base_url=OURS, model="one", votes=2, panel=[{"model": "two"}])
    assert [seat.name for seat in seats] == ["one", "two", "one (vote 2)", "two (vote 2)"]
    assert [seat.server.address.extra_body.get("temperature") for seat in seats] == [None] * 2 + [
        VOTE_TEMPERATURE
    ] * 2


@pytest.mark.parametrize("reviewer", [{}, {"panel": [{"model": "one", "weight": 2.0}]}])
def test_a_model_without_a_server_is_not_asked(tmp_path: Path, reviewer: dict[str, Any]) -> None:
    store = {"url": f"sqlite:///{tmp_path / 'p.db'}"}
    settings = Settings.model_validate({"store": store, "reviewer": reviewer})
    services = build_services(settings, Console(quiet=True))
    assert build_reviewer(services, {}) is None
    services.store.close()
