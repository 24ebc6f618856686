"""Workspaces that installed the app: their ends, their returns, their tokens, and notices to installers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.chat.findings import Severity
from bot.chat.port import Outcome, Page, PostError
from bot.cli.workspaces import decide_workspace
from bot.platforms.slack.installed import FRESH_SECONDS, REMOVED_REASON
from bot.platforms.slack.manifest import OPTIONAL_SCOPES
from bot.platforms.slack.scope_notices import ScopeNotices
from bot.token_cipher import create_key
from digests.ports import Store
from digests.ports.workspaces import DENIED_REASON
from digests.subscription import Channel, Subscription
from tests.bot.cli.test_workspaces import settings_with
from tests.bot.platforms.slack.link import LinkApp, SetClock, run_link_app, run_link_scenario
from tests.builders import a_store
from tests.fakes.slack import SlackFault, read_text
from tests.fakes.slack_link import FakeSlackLink
from tests.fakes.wire import WAIT_SECONDS

PAGE = Page({"text": "Hello", "blocks": [{"type": "divider"}], "unfurl_links": False, "unfurl_media": False})
Scenario = Callable[[LinkApp], Awaitable[None]]


async def install_with_digest(app: LinkApp, place: str) -> Channel:
    """Install the app in a workspace, and subscribe a channel there."""
    team = app.slack.teams[place]
    ada, papers = team.add_user("ada"), team.add_channel("papers")
    await app.install(place, user=ada)
    channel = Channel("slack", papers, place)
    app.store.subscriptions.change(channel, Subscription(channel), by="Ada", now=app.clock.now)
    return channel


async def post(app: LinkApp, channel: Channel, key: str = "k") -> str:
    return await app.platform.post(channel, PAGE, key=key, thread=None)


def stop_reason(store: Store, channel: Channel) -> str:
    found = store.subscriptions.find(channel)
    assert found
    return found.stop_reason


async def wait_for_end(app: LinkApp, place: str) -> None:
    await wait_until(lambda: app.find(place).ended_at)


async def post_until_gone(app: LinkApp, channel: Channel) -> PostError:
    """Post until the workspace is known to be gone, and return that refusal; no post goes out.

    Between the end in the store and the one in memory Slack itself refuses the token.
    """
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            with pytest.raises(PostError) as raised:
                await post(app, channel, "a further page")
            if raised.value.outcome is Outcome.GONE:
                return raised.value
            assert raised.value.outcome is Outcome.NOT_POSTED
            await asyncio.sleep(0.02)


async def wait_until(condition: Callable[[], object]) -> None:
    """Poll until the condition is true: the listener of an event runs after its acknowledgement."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - nothing announces it.
            await asyncio.sleep(0.02)


# Ends.


@pytest.mark.parametrize(
    "order", [("tokens_revoked", "app_uninstalled"), ("app_uninstalled", "tokens_revoked")]
)
def test_a_removal_ends_one_workspace_alone_in_either_order_of_its_events(order: tuple[str, ...]) -> None:
    async def scenario(app: LinkApp) -> None:
        gone, here = [await install_with_digest(app, place) for place in ("T1", "T2")]
        await app.slack.uninstall("T1", order=order)
        await wait_for_end(app, "T1")
        await wait_until(lambda: stop_reason(app.store, gone))
        assert app.find("T1").tokens.text == ""
        assert stop_reason(app.store, gone) == REMOVED_REASON
        assert stop_reason(app.store, here) == ""
        assert "removed from this workspace" in str(await post_until_gone(app, gone))
        await post(app, here)
        days_later = app.clock.now + timedelta(days=40)
        assert app.store.workspaces.list_removed(before=days_later) == [("slack", "T1")]

    run_link_scenario(scenario, "T1", "T2")


def test_a_removal_in_the_middle_of_a_digest_lets_no_further_page_out() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        await post(app, channel, "page 1")
        await app.slack.uninstall("T1")
        await wait_for_end(app, "T1")
        await post_until_gone(app, channel)
        assert len(app.slack.teams["T1"].messages_in(channel.channel)) == 1

    run_link_scenario(scenario, "T1")


def test_a_removal_without_an_event_is_seen_by_the_next_call() -> None:
    async def scenario(app: LinkApp) -> None:
        gone, here = [await install_with_digest(app, place) for place in ("T1", "T2")]
        app.slack.revoke("T1", "token_revoked")
        with pytest.raises(PostError) as first:
            await post(app, gone)
        assert first.value.outcome is Outcome.NOT_POSTED
        assert app.find("T1").ended_at
        with pytest.raises(PostError) as second:
            await post(app, gone)
        assert second.value.outcome is Outcome.GONE
        assert stop_reason(app.store, gone) == REMOVED_REASON
        await post(app, here)

    run_link_scenario(scenario, "T1", "T2")


def test_a_refused_old_token_does_not_end_the_new_installation() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        await post(app, channel, "1")
        async with run_link_app(app.slack, app.store, app.clock) as other:
            app.slack.revoke("T1", "token_revoked")
            await other.install("T1")
            with pytest.raises(PostError) as raised:
                await post(app, channel, "2")
            assert raised.value.outcome is Outcome.NOT_POSTED
            assert not app.find("T1").ended_at
            app.clock.pass_time(seconds=11)
            await post(app, channel, "2")

    run_link_scenario(scenario, "T1")


def test_a_person_who_revokes_a_token_of_their_own_ends_nothing() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        await app.slack.teams["T1"].dispatch_event(type="tokens_revoked", tokens={"oauth": ["UADA"]})
        await post(app, channel)
        assert not app.find("T1").ended_at

    run_link_scenario(scenario, "T1")


def test_a_workspace_that_comes_back_goes_on_with_its_digests_and_settings() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        before = app.store.subscriptions.find(channel)
        await app.slack.uninstall("T1")
        await wait_for_end(app, "T1")
        await wait_until(lambda: stop_reason(app.store, channel))
        app.clock.pass_time(minutes=5)
        browser = await app.install("T1")
        assert "1 digest goes on" in browser.page
        back = app.store.subscriptions.find(channel)
        assert before
        assert back
        assert back.preferences == before.preferences
        assert back.stop_reason == ""
        await post(app, channel)
        assert app.store.workspaces.list_removed(before=app.clock.now + timedelta(days=99)) == []

    run_link_scenario(scenario, "T1")


def test_a_digest_that_was_stopped_for_another_reason_stays_stopped_when_the_app_comes_back() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        app.store.subscriptions.stop(channel, "the channel was archived.")
        await app.slack.uninstall("T1")
        await wait_for_end(app, "T1")
        await app.install("T1")
        assert stop_reason(app.store, channel) == "the channel was archived."

    run_link_scenario(scenario, "T1")


@pytest.mark.parametrize("kind", ["app_uninstalled", "tokens_revoked"])
def test_a_late_event_of_a_removal_does_not_end_the_new_installation(kind: str) -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        removed_at = app.clock.now.timestamp() + 1
        app.slack.revoke("T1")
        app.clock.pass_time(seconds=60)
        await app.install("T1")
        revision = app.find("T1").revision
        await app.slack.deliver_removal(app.slack.teams["T1"], "T1", kind, at=removed_at)
        await post(app, channel)
        assert (app.find("T1").revision, app.find("T1").ended_at) == (revision, None)

    run_link_scenario(scenario, "T1")


def test_a_late_event_ends_an_installation_whose_token_slack_refuses() -> None:
    """Our clock may be ahead of Slack's: the time of an event alone proves nothing."""

    async def scenario(app: LinkApp) -> None:
        await install_with_digest(app, "T1")
        app.slack.revoke("T1")
        early = app.clock.now.timestamp() - 90
        await app.slack.deliver_removal(app.slack.teams["T1"], "T1", "app_uninstalled", at=early)
        await wait_for_end(app, "T1")

    run_link_scenario(scenario, "T1")


def test_the_removal_from_an_organization_ends_all_its_workspaces_but_one_with_its_own_installation() -> None:
    async def scenario(app: LinkApp) -> None:
        for place in ("T1", "T2", "T3"):
            app.slack.add_team(place, enterprise_id="E1").http_endpoint = app.slack.http_endpoint
        await app.install("E1")
        channels = {}
        for place in ("T1", "T2", "T3"):
            app.store.installations.add_member("slack", place, "E1")
            channels[place] = Channel("slack", app.slack.teams[place].add_channel(f"in-{place}"), place)
            digest = Subscription(channels[place])
            app.store.subscriptions.change(channels[place], digest, by="Ada", now=app.clock.now)
        await app.install("T3")
        await app.slack.teams["T1"].dispatch_event(type="team_access_revoked", team_ids=["T2"])
        await wait_until(lambda: stop_reason(app.store, channels["T2"]))
        assert stop_reason(app.store, channels["T1"]) == ""
        await app.slack.teams["T1"].dispatch_event(type="team_access_granted", team_ids=["T2"])
        await wait_until(lambda: not stop_reason(app.store, channels["T2"]))
        await app.slack.uninstall("E1")
        await wait_until(lambda: stop_reason(app.store, channels["T1"]))
        await wait_until(lambda: stop_reason(app.store, channels["T2"]))
        assert stop_reason(app.store, channels["T3"]) == ""
        await post(app, channels["T3"])

    run_link_scenario(scenario)


def test_a_form_and_an_event_without_a_workspace_reach_a_workspace_of_an_organization() -> None:
    async def scenario(app: LinkApp) -> None:
        team = app.slack.add_team("T1", enterprise_id="E1")
        team.http_endpoint = app.slack.http_endpoint
        await app.install("E1")
        ada, papers = team.add_user("ada"), team.add_channel("papers")
        opened = await team.run_command("/digest", "settings", user=ada, channel=papers)
        await team.wait_until(lambda: opened.views)
        sent = await team.submit_view(opened.views[0], {"domains": "vision"}, user=ada)
        assert (sent.is_acked, (sent.ack or {}).get("errors")) == (True, None)
        assert app.store.subscriptions.find(Channel("slack", papers, "T1"))
        body = team.build_event_body({"type": "app_home_opened", "user": ada, "tab": "home", "channel": "D1"})
        body["authorizations"][0]["team_id"] = None
        await team.deliver_event(body)
        await team.wait_until(lambda: ada in team.homes)

    run_link_scenario(scenario)


def test_the_operator_removes_the_app_from_a_workspace() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        finding = await app.app.leave_workspace("T1", [channel])
        assert finding.severity is Severity.OK, finding
        assert app.find("T1").ended_at
        assert stop_reason(app.store, channel) == REMOVED_REASON
        assert all(token.error for token in app.slack.tokens.values())
        assert "not installed" in (await app.app.leave_workspace("T1", [])).sentence

    run_link_scenario(scenario, "T1")


def test_the_operator_removes_the_app_where_its_token_has_to_be_renewed_first() -> None:
    async def scenario(app: LinkApp) -> None:
        await install_with_digest(app, "T1")
        app.clock.pass_time(hours=30)
        finding = await app.app.leave_workspace("T1", [])
        assert finding.severity is Severity.OK, finding
        assert (bool(app.find("T1").ended_at), app.find("T1").tokens.text) == (True, "")
        assert all(token.error for token in app.slack.tokens.values())

    run_link_scenario(scenario, "T1", rotates_tokens=True)


# Denials.


def decide(app: LinkApp, place: str, *, allow: bool) -> None:
    """Allow or deny a workspace, as the operator's command does in another process."""
    settings = settings_with(platforms={"slack": {"public_url": "https://bot.example.org"}})
    decide_workspace(app.store, settings, "slack", place, allow=allow, now=app.clock.now)
    app.clock.pass_time(seconds=FRESH_SECONDS + 1)


def test_a_denied_workspace_is_not_served_any_more_and_the_others_are() -> None:
    async def scenario(app: LinkApp) -> None:
        denied, served = [await install_with_digest(app, place) for place in ("T1", "T2")]
        for channel in (denied, served):
            await post(app, channel)
        decide(app, "T1", allow=False)
        assert stop_reason(app.store, denied) == DENIED_REASON
        with pytest.raises(PostError, match="does not serve this workspace") as raised:
            await post(app, denied, "next")
        assert raised.value.outcome is Outcome.GONE
        team = app.slack.teams["T1"]
        ada = next(iter(team.users))
        for command, words in (("/paper", "kto"), ("/digest", "subscribe vision")):
            typed = await team.run_command(command, words, user=ada, channel=denied.channel)
            assert typed.ack == {"text": DENIED_REASON}
        await team.dispatch_event(type="app_home_opened", user=ada, tab="home", channel="D1")
        await post(app, served, "next")
        assert not team.homes
        assert await list_served(app) == ["T2"]

    run_link_scenario(scenario, "T1", "T2")


async def list_served(app: LinkApp) -> list[str]:
    return list(await app.platform.workspaces.list_team_ids())


def test_a_denied_workspace_cannot_install_the_app_until_it_is_allowed() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        await app.slack.uninstall("T1")
        await wait_until(lambda: stop_reason(app.store, channel))
        decide(app, "T1", allow=False)
        browser = await app.install("T1")
        assert (browser.status, browser.title) == (403, "Paperround does not serve this workspace")
        assert app.find("T1").ended_at
        decide(app, "T1", allow=True)
        browser = await app.install("T1")
        assert "1 digest goes on" in browser.page
        await post(app, channel)

    run_link_scenario(scenario, "T1")


def test_a_workspace_that_is_allowed_again_goes_on_without_a_new_installation() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        decide(app, "T1", allow=False)
        with pytest.raises(PostError):
            await post(app, channel)
        decide(app, "T1", allow=True)
        assert stop_reason(app.store, channel) == ""
        await post(app, channel)

    run_link_scenario(scenario, "T1")


def test_a_denied_workspace_that_removes_the_app_has_its_token_deleted_and_its_removal_recorded() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        decide(app, "T1", allow=False)
        await app.slack.uninstall("T1")
        await wait_for_end(app, "T1")
        assert app.find("T1").tokens.text == ""
        later = app.clock.now + timedelta(days=1)
        await wait_until(lambda: app.store.workspaces.list_removed(before=later) == [("slack", "T1")])
        assert stop_reason(app.store, channel) == DENIED_REASON

    run_link_scenario(scenario, "T1")


def test_the_denial_of_an_organization_refuses_its_workspaces_and_their_own_installations() -> None:
    async def scenario(app: LinkApp) -> None:
        for place in ("T1", "T2"):
            app.slack.add_team(place, enterprise_id="E1").http_endpoint = app.slack.http_endpoint
        await app.install("E1")
        team = app.slack.teams["T1"]
        ada, papers = team.add_user("ada"), team.add_channel("papers")
        assert (await team.run_command("/paper", "kto", user=ada, channel=papers)).ack != {
            "text": DENIED_REASON
        }
        decide(app, "E1", allow=False)
        for place in ("T1", "E1"):
            assert (await app.install(place)).status == 403
        typed = await team.run_command("/paper", "kto", user=ada, channel=papers)
        assert typed.ack == {"text": DENIED_REASON}
        with pytest.raises(PostError) as raised:
            await post(app, Channel("slack", papers, "T1"))
        assert raised.value.outcome is Outcome.GONE

    run_link_scenario(scenario)


# One workspace does not touch the others.


def test_a_workspace_whose_token_fails_every_call_touches_no_other() -> None:
    async def scenario(app: LinkApp) -> None:
        bad, good = [await install_with_digest(app, place) for place in ("T1", "T2")]
        app.slack.revoke("T1", "invalid_auth")
        for number in range(5):
            with pytest.raises(PostError) as raised:
                await post(app, bad, f"{number}")
            assert raised.value.outcome is Outcome.NOT_POSTED
            await post(app, good, f"{number}")
        assert not app.find("T1").ended_at, "an error that may pass ends nothing"

    run_link_scenario(scenario, "T1", "T2")


def test_a_key_that_is_missing_is_named_and_nothing_is_lost() -> None:
    async def run() -> None:
        store, clock, lost = a_store(), SetClock(), create_key()
        async with FakeSlackLink(clock=lambda: clock.now.timestamp()) as slack:
            for place in ("T1", "T2"):
                slack.add_team(place)
            async with run_link_app(slack, store, clock, keys=(lost,)) as app:
                channel = await install_with_digest(app, "T1")
            async with run_link_app(slack, store, clock) as app:
                here = await install_with_digest(app, "T2")
                await post(app, here)
                with pytest.raises(PostError, match="PAPERROUND_TOKEN_KEYS") as raised:
                    await post(app, channel)
                assert raised.value.outcome is Outcome.NOT_POSTED
                ada = next(iter(slack.teams["T1"].users))
                reply = await slack.teams["T1"].run_command(
                    "/paper", "kto", user=ada, channel=channel.channel
                )
                assert reply.ack
            async with run_link_app(slack, store, clock, keys=(create_key(), lost)) as app:
                await post(app, channel)

    asyncio.run(run())


def test_a_channel_that_names_no_workspace_is_that_of_the_only_one() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        unnamed = replace(channel, workspace="")
        await post(app, unnamed)
        await install_with_digest(app, "T2")
        app.clock.pass_time(seconds=11)
        with pytest.raises(PostError, match="workspace = ") as raised:
            await post(app, unnamed)
        assert raised.value.outcome is Outcome.NOT_POSTED

    run_link_scenario(scenario, "T1", "T2")


def test_the_check_of_the_set_up_names_the_workspace_of_each_problem() -> None:
    async def scenario(app: LinkApp) -> None:
        empty = await app.app.check([])
        assert "No workspace has installed" in empty[0].sentence
        for place in ("T1", "T2"):
            await install_with_digest(app, place)
        app.slack.revoke("T1", "invalid_auth")
        stranger = Channel("slack", "C9", "T9")
        findings = await app.app.check([stranger])
        assert findings[0].sentence == "1 workspace of 2 have no problem."
        assert any(each.subject.startswith("T1 (Lab T1)") for each in findings)
        assert any("C9" in each.subject for each in findings)

    run_link_scenario(scenario, "T1", "T2")


# Tokens that expire.


def test_a_token_is_renewed_before_it_expires_and_the_new_one_is_used() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        app.clock.pass_time(hours=9)
        await renew(app)
        app.clock.pass_time(hours=4)
        await post(app, channel)
        assert app.slack.refused_calls == []
        assert len(app.slack.tokens) == 2

    run_link_scenario(scenario, "T1", rotates_tokens=True)


async def renew(app: LinkApp) -> None:
    state = app.app._open_state
    assert state
    assert state.link
    await state.link.renewal.renew_due_tokens(asyncio.Event())


def test_a_token_that_expired_while_nobody_looked_is_renewed_by_the_first_call() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        app.clock.pass_time(hours=30)
        await asyncio.gather(*(post(app, channel, f"{number}") for number in range(4)))
        assert app.slack.refused_calls == []
        assert len(app.slack.tokens) == 2

    run_link_scenario(scenario, "T1", rotates_tokens=True)


@pytest.mark.parametrize("fault", [SlackFault.DROP_BEFORE, SlackFault.SERVER_ERROR, SlackFault.GARBAGE])
def test_a_call_with_an_expired_token_fails_for_now_if_slack_does_not_renew_it_now(fault: SlackFault) -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        app.clock.pass_time(hours=30)
        app.slack.exchange_faults.append(fault)
        with pytest.raises(PostError) as raised:
            await post(app, channel)
        assert raised.value.outcome is Outcome.NOT_POSTED
        assert stop_reason(app.store, channel) == ""
        app.clock.pass_time(seconds=60)
        await post(app, channel)

    run_link_scenario(scenario, "T1", rotates_tokens=True)


def test_a_wrong_client_secret_is_no_reason_for_the_workspaces_to_install_again() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        app.clock.pass_time(hours=9)
        right, app.slack.client_secret = app.slack.client_secret, "another"
        await renew(app)
        assert app.slack.refused_exchanges == ["bad_client_secret"]
        assert app.find("T1").problem == ""
        app.slack.client_secret = right
        app.clock.pass_time(seconds=60)
        await renew(app)
        app.clock.pass_time(hours=9)
        await post(app, channel)

    run_link_scenario(scenario, "T1", rotates_tokens=True)


def test_many_replicas_renew_a_token_once() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        async with run_link_app(app.slack, app.store, app.clock) as other:
            app.clock.pass_time(hours=13)
            await asyncio.gather(renew(app), renew(other), post(app, channel, "1"), post(other, channel, "2"))
            assert len(app.slack.tokens) == 2
            assert app.find("T1").problem == ""
            assert app.slack.refused_calls == []
            assert app.slack.refused_exchanges == []

    run_link_scenario(scenario, "T1", rotates_tokens=True)


def test_a_worker_that_died_before_slack_answered_is_followed_by_the_next() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        app.clock.pass_time(hours=9)
        app.slack.exchange_faults.append(SlackFault.DROP_BEFORE)
        await renew(app)
        assert len(app.slack.tokens) == 1
        app.clock.pass_time(seconds=60)
        await renew(app)
        assert len(app.slack.tokens) == 2
        await post(app, channel)

    run_link_scenario(scenario, "T1", rotates_tokens=True)


def test_a_worker_that_died_after_slack_answered_leaves_the_old_token_and_the_installer_is_told() -> None:
    async def scenario(app: LinkApp) -> None:
        channel = await install_with_digest(app, "T1")
        app.clock.pass_time(hours=9)
        app.slack.exchange_faults.append(SlackFault.DROP_AFTER)
        await renew(app)
        app.clock.pass_time(seconds=60)
        await renew(app)
        assert "invalid_refresh_token" in app.find("T1").problem
        await post(app, channel, "the old token works to its end")
        await send_notices(app)
        (told,) = direct_messages(app, "T1")
        assert "install it again" in told
        app.clock.pass_time(hours=4)
        with pytest.raises(PostError) as raised:
            await post(app, channel, "too late")
        assert raised.value.outcome is Outcome.GONE
        assert stop_reason(app.store, channel) == REMOVED_REASON
        browser = await app.install("T1")
        assert "1 digest goes on" in browser.page
        await post(app, channel, "back")

    run_link_scenario(scenario, "T1", rotates_tokens=True)


def test_one_token_that_cannot_be_renewed_keeps_no_other_from_it() -> None:
    async def scenario(app: LinkApp) -> None:
        for place in ("T1", "T2"):
            await install_with_digest(app, place)
        app.slack.revoke("T1")
        app.clock.pass_time(hours=9)
        await renew(app)
        assert app.find("T1").problem
        assert app.find("T2").problem == ""
        assert sum(token.place == "T2" for token in app.slack.tokens.values()) == 2

    run_link_scenario(scenario, "T1", "T2", rotates_tokens=True)


# A change of scopes.


async def send_notices(app: LinkApp) -> None:
    state = app.app._open_state
    assert state
    assert state.link
    notices = ScopeNotices(
        app.store, app.platform, app.app.settings, f"{app.address}/slack/install", app.clock.read
    )
    await notices.send_due_notices(asyncio.Event())


def direct_messages(app: LinkApp, place: str) -> list[str]:
    team = app.slack.teams[place]
    channels = {id(one): one for one in team.channels.values() if one.id.startswith("D")}
    return [read_text(message["blocks"]) for one in channels.values() for message in one.messages]


def test_who_installed_it_is_told_once_of_a_further_right_and_what_works_meanwhile() -> None:
    async def scenario(app: LinkApp) -> None:
        for place in ("T1", "T2"):
            await install_with_digest(app, place)
        lacking = replace(app.find("T1"), scopes=app.find("T1").scopes - {"links:read"})
        app.store.installations.save(lacking)
        async with run_link_app(app.slack, app.store, app.clock) as other:
            await asyncio.gather(send_notices(app), send_notices(other))
        app.clock.pass_time(days=3)
        await send_notices(app)
        (told,) = direct_messages(app, "T1")
        assert "links:read (to see links to arXiv that people paste)" in told
        assert "everything else goes on" in told
        assert "/slack/install" in told
        assert direct_messages(app, "T2") == []

    run_link_scenario(scenario, "T1", "T2")


def test_a_denied_workspace_is_told_of_a_further_right_once_it_is_allowed_again() -> None:
    async def scenario(app: LinkApp) -> None:
        await install_with_digest(app, "T1")
        lacking = replace(app.find("T1"), scopes=app.find("T1").scopes - {"links:read"})
        app.store.installations.save(lacking)
        decide(app, "T1", allow=False)
        await send_notices(app)
        decide(app, "T1", allow=True)
        assert direct_messages(app, "T1") == []
        await send_notices(app)
        assert len(direct_messages(app, "T1")) == 1

    run_link_scenario(scenario, "T1")


def test_nobody_is_told_of_an_optional_right() -> None:
    async def scenario(app: LinkApp) -> None:
        team = app.slack.teams["T1"]
        await app.install("T1", user=team.add_user("ada"), without=frozenset(OPTIONAL_SCOPES))
        await send_notices(app)
        assert direct_messages(app, "T1") == []

    run_link_scenario(scenario, "T1")
