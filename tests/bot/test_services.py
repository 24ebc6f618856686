"""The services that are built from the settings."""

from pathlib import Path

from rich.console import Console

from bot.services import build_services
from config.settings import Settings, StoreSettings


def test_a_lease_outlasts_the_lag_of_a_history_and_two_requests(tmp_path: Path) -> None:
    """Else another worker could post a page whose answer is still awaited."""
    settings = Settings(store=StoreSettings(url=f"sqlite:///{tmp_path / 'p.db'}"))
    services = build_services(settings, Console(quiet=True))
    policy = services.delivery_context.policy
    assert policy.lease > policy.history_lag + 2 * policy.timeout
    services.store.close()
