"""Installation from a link: states, codes, browsers, apps, and pages that say what to do."""

import asyncio
import logging
from datetime import timedelta

import pytest

from bot.chat.port import Page
from bot.platforms.slack.install_pages import InstallFailure, render_failure, render_success
from bot.platforms.slack.oauth import INSTALL_PATH, REDIRECT_PATH
from bot.token_cipher import TokenCipher
from digests.subscription import Channel
from tests.bot.platforms.slack.link import KEY, LinkApp, run_link_app, run_link_scenario
from tests.fakes.slack import SlackFault, read_text

PAGE = Page({"text": "Hello", "blocks": [{"type": "divider"}], "unfurl_links": False, "unfurl_media": False})
USED = "This step was done already, or took too long"


def test_a_workspace_installs_the_app_and_reads_what_to_type_next() -> None:
    async def scenario(app: LinkApp) -> None:
        browser = await app.install("T1", user="UADA")
        assert (browser.status, browser.title) == (200, "Paperround is in Lab T1")
        assert "/invite @paperround" in browser.page
        assert "/digest subscribe vision" in browser.page
        installation = app.find("T1")
        assert (installation.name, installation.installed_by, installation.app_id) == ("Lab T1", "UADA", "A1")
        assert installation.installed_at == app.clock.now
        assert "channels:history" in installation.scopes

    run_link_scenario(scenario, "T1")


def test_the_token_is_in_the_store_as_ciphertext_alone() -> None:
    async def scenario(app: LinkApp) -> None:
        await app.install("T1")
        (token,) = app.slack.tokens
        installation = app.find("T1")
        assert token not in str(installation.tokens.text)
        cipher = TokenCipher([KEY])
        values = cipher.decrypt("slack:T1", installation.tokens.text, installation.tokens.key_id)
        assert values["access"] == token

    run_link_scenario(scenario, "T1")


def test_each_workspace_is_posted_to_with_its_own_token() -> None:
    async def scenario(app: LinkApp) -> None:
        for place in ("T1", "T2"):
            channel = app.slack.teams[place].add_channel("papers")
            await app.install(place)
            await app.platform.post(Channel("slack", channel, place), PAGE, key=place, thread=None)
            (message,) = app.slack.teams[place].messages_in(channel)
            assert message["bot_id"] == f"BBOT{place}"
        assert app.slack.refused_calls == []

    run_link_scenario(scenario, "T1", "T2")


def test_commands_of_each_workspace_are_answered_there() -> None:
    async def scenario(app: LinkApp) -> None:
        for place in ("T1", "T2"):
            await app.install(place)
        for place in ("T2", "T1"):
            team = app.slack.teams[place]
            ada, papers = team.add_user("ada"), team.add_channel("papers")
            reply = await team.run_command("/digest", "subscribe vision", user=ada, channel=papers)
            await team.wait_until(lambda: reply.responses)  # noqa: B023 - it is awaited here.
            assert "Done" in read_text(reply.responses[0]["blocks"])
            assert app.store.subscriptions.find(Channel("slack", papers, place))

    run_link_scenario(scenario, "T1", "T2")


def test_a_workspace_that_did_not_install_the_app_gets_the_link_and_nothing_runs() -> None:
    async def scenario(app: LinkApp) -> None:
        await app.install("T1")
        team = app.slack.teams["T2"]
        ada, papers = team.add_user("ada"), team.add_channel("papers")
        reply = await team.run_command("/digest", "subscribe vision", user=ada, channel=papers)
        assert reply.ack
        assert f"{app.address}{INSTALL_PATH}" in reply.ack["text"]
        assert app.store.subscriptions.list_active() == []

    run_link_scenario(scenario, "T1", "T2")


def test_the_page_of_slack_is_asked_for_the_rights_of_the_manifest_alone() -> None:
    async def scenario(app: LinkApp) -> None:
        page = await app.open_browser().begin()
        assert page.startswith(app.slack.url.removesuffix("api/") + "oauth/v2/authorize?")
        assert "user_scope" not in page
        assert "admin" not in page

    run_link_scenario(scenario, "T1")


def test_a_state_is_good_once() -> None:
    async def scenario(app: LinkApp) -> None:
        browser = app.open_browser()
        page = await browser.begin()
        cookies = dict(browser.cookies)
        await browser.visit(app.slack.allow(page, "T1"))
        assert browser.status == 200
        browser.cookies = cookies
        await browser.visit(app.slack.allow(page, "T2"))  # With a code that nobody used.
        assert (browser.status, browser.title) == (400, USED)
        assert [each.workspace for each in app.store.installations.list_all()] == ["T1"]

    run_link_scenario(scenario, "T1", "T2")


def test_of_many_requests_with_one_state_at_once_one_is_taken() -> None:
    async def scenario(app: LinkApp) -> None:
        browser = app.open_browser()
        page = await browser.begin()
        tabs = [app.open_browser() for _ in range(8)]
        for tab in tabs:
            tab.cookies = dict(browser.cookies)
        await asyncio.gather(*(tab.visit(app.slack.allow(page, "T1")) for tab in tabs))
        assert sorted(tab.status for tab in tabs) == [200] + [400] * 7

    run_link_scenario(scenario, "T1")


def test_a_state_that_one_replica_took_is_used_up_for_the_others() -> None:
    async def scenario(app: LinkApp) -> None:
        async with run_link_app(app.slack, app.store, app.clock) as other:
            browser = app.open_browser()
            back = app.slack.allow(await browser.begin(), "T1")
            cookies = dict(browser.cookies)
            await browser.visit(back)
            browser.cookies = cookies
            await browser.visit(back.replace(app.address, other.address))
            assert browser.title == USED

    run_link_scenario(scenario, "T1")


def test_a_state_of_another_browser_is_refused() -> None:
    """An attacker who makes a victim visit the end of an installation gets nothing installed there."""

    async def scenario(app: LinkApp) -> None:
        back = app.slack.allow(await app.open_browser().begin(), "T1")
        for victim in (app.open_browser(), app.open_browser()):
            await victim.visit(back)
            assert (victim.status, victim.title) == (400, "This is not the browser that began")
            await victim.begin()  # The second one has begun an installation of its own.
        assert app.store.installations.list_all() == []

    run_link_scenario(scenario, "T1")


def test_a_state_expires() -> None:
    async def scenario(app: LinkApp) -> None:
        browser = app.open_browser()
        page = await browser.begin()
        app.clock.pass_time(minutes=10)
        await browser.visit(app.slack.allow(page, "T1"))
        assert browser.title == USED
        assert app.store.installations.list_all() == []

    run_link_scenario(scenario, "T1")


@pytest.mark.parametrize("state", ["", "x", "gAAAAABm", "é" * 50, "x" * 5000])
def test_a_forged_state_is_refused_without_a_trace(state: str, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(app: LinkApp) -> None:
        browser = app.open_browser()
        await browser.begin()
        caplog.clear()
        browser.cookies["slack-app-oauth-state"] = "x"
        await browser.visit(f"{app.address}{REDIRECT_PATH}?code=1&state={state}")
        assert browser.status == 400
        browser.cookies = {"slack-app-oauth-state": "gAAAAABm"}
        await browser.visit(f"{app.address}{REDIRECT_PATH}?code=1&state=gAAAAABm")
        assert browser.title == USED
        assert caplog.records == []

    run_link_scenario(scenario, "T1")


def test_a_code_is_good_once() -> None:
    async def scenario(app: LinkApp) -> None:
        first = app.open_browser()
        back = app.slack.allow(await first.begin(), "T1")
        await first.visit(back)
        code = back.split("code=")[1].split("&")[0]
        second = app.open_browser()
        page = app.slack.allow(await second.begin(), "T1")
        await second.visit(page.replace(page.split("code=")[1].split("&")[0], code))
        assert (second.status, second.title) == (400, USED)

    run_link_scenario(scenario, "T1")


def test_a_person_who_does_not_allow_it_is_told_that_nothing_changed() -> None:
    async def scenario(app: LinkApp) -> None:
        browser = app.open_browser()
        await browser.visit(app.slack.deny(await browser.begin()))
        assert (browser.status, browser.title) == (200, "Paperround was not installed")
        assert 'href="/slack/install"' in browser.page
        assert app.store.installations.list_all() == []

    run_link_scenario(scenario, "T1")


def test_a_token_of_another_app_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(app: LinkApp) -> None:
        await app.install("T1")
        app.slack.granting_app = "A2"
        browser = await app.install("T2")
        assert (browser.status, browser.title) == (400, "These rights are of another app")
        assert [each.workspace for each in app.store.installations.list_all()] == ["T1"]
        assert "A2" in caplog.text

    run_link_scenario(scenario, "T1", "T2")


def test_a_request_of_another_app_is_refused() -> None:
    async def scenario(app: LinkApp) -> None:
        app.slack.granting_app = "A2"
        await app.install("T1")
        team = app.slack.teams["T1"]
        ada, papers = team.add_user("ada"), team.add_channel("papers")
        reply = await team.run_command("/digest", "subscribe vision", user=ada, channel=papers)
        assert "not installed" in (reply.ack or {})["text"]
        assert app.store.subscriptions.list_active() == []

    run_link_scenario(scenario, "T1")


@pytest.mark.parametrize("fault", [SlackFault.SERVER_ERROR, SlackFault.DROP_BEFORE, SlackFault.GARBAGE])
def test_a_slack_that_does_not_answer_is_told_without_a_traceback(
    fault: SlackFault, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(app: LinkApp) -> None:
        app.slack.exchange_faults.append(fault)
        browser = await app.install("T1")
        assert (browser.status, browser.title) == (502, "Slack did not answer")
        assert "Traceback" not in browser.page + caplog.text
        assert (await app.install("T1")).status == 200

    run_link_scenario(scenario, "T1")


def test_a_wrong_client_secret_is_told_to_the_operator_and_not_to_the_person(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(app: LinkApp) -> None:
        app.slack.client_secret = "another"
        browser = await app.install("T1")
        assert (browser.status, browser.title) == (500, "Paperround is not set up right")
        assert "bad_client_secret" not in browser.page
        assert "bad_client_secret" in caplog.text

    run_link_scenario(scenario, "T1")


def test_optional_rights_that_were_refused_are_told_with_what_they_cost() -> None:
    async def scenario(app: LinkApp) -> None:
        browser = await app.install("T1", without=frozenset({"channels:history", "groups:history"}))
        assert browser.status == 200
        assert "channels:history" in browser.page
        assert "is not posted again" in " ".join(browser.page.split())
        assert "channels:history" not in app.find("T1").scopes

    run_link_scenario(scenario, "T1")


def test_a_workspace_that_installs_many_times_at_once_works_and_has_one_installation() -> None:
    async def scenario(app: LinkApp) -> None:
        browsers = await asyncio.gather(*(app.install("T1", user=f"U{number}") for number in range(6)))
        assert {browser.status for browser in browsers} == {200}
        assert len(app.store.installations.list_all()) == 1
        channel = app.slack.teams["T1"].add_channel("papers")
        await app.platform.post(Channel("slack", channel, "T1"), PAGE, key="k", thread=None)

    run_link_scenario(scenario, "T1", rotates_tokens=True)


def test_another_replica_sees_a_new_installation_at_once() -> None:
    async def scenario(app: LinkApp) -> None:
        async with run_link_app(app.slack, app.store, app.clock) as other:
            channel = Channel("slack", app.slack.teams["T1"].add_channel("papers"), "T1")
            await app.install("T1")
            await other.platform.post(channel, PAGE, key="k", thread=None)

    run_link_scenario(scenario, "T1")


def test_another_replica_sees_a_new_token_within_seconds() -> None:
    async def scenario(app: LinkApp) -> None:
        async with run_link_app(app.slack, app.store, app.clock) as other:
            channel = Channel("slack", app.slack.teams["T1"].add_channel("papers"), "T1")
            await app.install("T1")
            await other.platform.post(channel, PAGE, key="1", thread=None)
            app.slack.revoke("T1")
            await app.install("T1")
            app.clock.pass_time(seconds=11)
            await other.platform.post(channel, PAGE, key="2", thread=None)
            assert len(app.slack.teams["T1"].messages_in(channel.channel)) == 2

    run_link_scenario(scenario, "T1")


def test_an_organization_installs_the_app_for_all_its_workspaces() -> None:
    async def scenario(app: LinkApp) -> None:
        for place in ("T1", "T2"):
            app.slack.add_team(place, enterprise_id="E1").http_endpoint = app.slack.http_endpoint
        browser = await app.install("E1")
        assert browser.title == "Paperround is in Org E1"
        assert "whole organization" in browser.page
        for place in ("T2", "T1"):
            team = app.slack.teams[place]
            ada, papers = team.add_user(f"ada-{place}"), team.add_channel(f"papers-{place}")
            reply = await team.run_command("/digest", "subscribe vision", user=ada, channel=papers)
            await team.wait_until(lambda: reply.responses)  # noqa: B023 - it is awaited here.
            assert "Done" in read_text(reply.responses[0]["blocks"])
            channel = Channel("slack", papers, place)
            assert app.store.subscriptions.find(channel)
            await app.platform.post(channel, PAGE, key=place, thread=None)
        assert [each.workspace for each in app.store.installations.list_all()] == ["E1"]

    run_link_scenario(scenario)


def test_a_workspace_of_another_organization_is_not_served_by_its_installation() -> None:
    async def scenario(app: LinkApp) -> None:
        app.slack.add_team("T1", enterprise_id="E1")
        stranger = app.slack.add_team("T9", enterprise_id="E9")
        stranger.http_endpoint = app.slack.http_endpoint
        await app.install("E1")
        ada, papers = stranger.add_user("ada"), stranger.add_channel("papers")
        reply = await stranger.run_command("/digest", "subscribe vision", user=ada, channel=papers)
        assert "not installed" in (reply.ack or {})["text"]

    run_link_scenario(scenario)


def test_the_pages_keep_their_address_to_themselves() -> None:
    async def scenario(app: LinkApp) -> None:
        browser = await app.install("T1")
        assert browser.headers["Referrer-Policy"] == "no-referrer"
        assert browser.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in browser.headers["Content-Security-Policy"]

    run_link_scenario(scenario, "T1")


def test_the_cookie_of_a_state_is_for_its_browser_alone() -> None:
    async def scenario(app: LinkApp) -> None:
        browser = app.open_browser()
        await browser.begin()
        cookie = browser.headers["Set-Cookie"]
        assert {"Secure", "HttpOnly", "Path=/", "Max-Age=600"} <= set(cookie.split("; "))

    run_link_scenario(scenario, "T1")


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD"])
def test_another_method_than_get_is_refused(method: str) -> None:
    async def scenario(app: LinkApp) -> None:
        import aiohttp

        async with aiohttp.ClientSession() as session:
            for path in (INSTALL_PATH, REDIRECT_PATH):
                async with session.request(method, app.address + path) as answer:
                    assert answer.status == 405

    run_link_scenario(scenario, "T1")


def test_a_strangers_errors_fill_no_log(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(app: LinkApp) -> None:
        caplog.clear()
        for _ in range(20):
            await app.open_browser().visit(f"{app.address}{REDIRECT_PATH}?error=%1b%5b31mnonsense&state=x")
        assert [each for each in caplog.records if each.levelno >= logging.INFO] == []

    run_link_scenario(scenario, "T1")


HOSTILE = "<script>alert(1)</script>{0}&\"'"


def test_a_hostile_name_is_escaped() -> None:
    page = render_success(HOSTILE, link=f"https://x/?{HOSTILE}", paper_command="/p", digest_command="/d")
    assert "<script>" not in page
    assert "\"'" not in page


@pytest.mark.parametrize("failure", list(InstallFailure))
def test_every_failure_has_a_page_of_its_own(failure: InstallFailure) -> None:
    status, page = render_failure(failure, INSTALL_PATH)
    assert 200 <= status < 600
    assert "Traceback" not in page
    others = {render_failure(other, INSTALL_PATH)[1] for other in InstallFailure if other is not failure}
    assert page not in others


def test_digests_that_start_again_are_counted_on_the_page() -> None:
    one, two = (
        render_success("X", link="", paper_command="/p", digest_command="/d", started_count=count)
        for count in (1, 2)
    )
    assert "1 digest goes on" in one
    assert "2 digests go on" in two


def test_an_installation_lasts_after_its_state_expired() -> None:
    async def scenario(app: LinkApp) -> None:
        await app.install("T1")
        app.clock.now += timedelta(days=400)
        channel = Channel("slack", app.slack.teams["T1"].add_channel("papers"), "T1")
        await app.platform.post(channel, PAGE, key="k", thread=None)

    run_link_scenario(scenario, "T1")
