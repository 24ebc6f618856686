"""`paperround workspaces`: who installed the app, and what became of it."""

from dataclasses import replace

from bot.cli.workspaces import list_workspaces, load_summaries, summary_to_record
from bot.platforms.registry import find_settings_models
from config.settings import build_settings_model
from digests.subscription import Channel, Subscription
from tests.builders import NOW, a_store, an_installation

SETTINGS = build_settings_model(find_settings_models()).model_validate({"version": 1})


def test_each_installation_is_listed_with_who_made_it_and_its_problem() -> None:
    store = a_store()
    team = Channel("slack", "C1", "T1")
    store.subscriptions.change(team, Subscription(team), by="Ada", now=NOW)
    saved = store.installations.save(an_installation("T1"))
    store.installations.record_problem(saved, "Slack does not renew the token.")
    store.installations.save(an_installation("E1", name="", is_organization=True, installed_by=""))
    ended = store.installations.save(an_installation("T2", name="Gone"))
    store.installations.end(ended, now=NOW)
    summaries = load_summaries(store, SETTINGS, NOW)
    lines = list_workspaces(summaries, 200)
    at = "2026-11-24 09:00 UTC"
    assert f"  The lab; installed by UADA on {at}; Slack does not renew the token." in lines
    assert f"  installed for a whole organization by somebody on {at}" in lines
    assert f"  Gone; installed by UADA on {at}; ended on {at}" in lines
    (removed,) = (line for line in lines if line.startswith("slack:T2"))
    assert "removed" in removed
    records = {record["workspace"]: record for record in map(summary_to_record, summaries)}
    assert (records["T1"]["installed_by"], records["T1"]["digests"]) == ("UADA", 1)
    assert records["T2"]["state"] == "removed"


def test_the_list_shows_no_tokens() -> None:
    store = a_store()
    sealed = replace(an_installation().tokens, text="gAAAA-ciphertext")
    store.installations.save(an_installation(tokens=sealed))
    summaries = load_summaries(store, SETTINGS, NOW)
    shown = "".join(list_workspaces(summaries, 200)) + str([summary_to_record(one) for one in summaries])
    assert "ciphertext" not in shown
