"""The operator's page, over HTTP."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.cli.token import create_token
from bot.services import Services
from bot.web.operator_page import COOKIE, build_style_policy
from digests.errors import StoreError
from digests.model import REVIEWER, Trouble
from digests.ports.workspaces import WorkspaceState
from digests.subscription import Channel, Preferences, Schedule, Subscription
from tests.bot.web.served import Site, open_services, serve
from tests.builders import NOW, a_paper, a_review

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)> \u202e<!channel>'
PATHS = ("/", "/digests", "/digests?show=trouble", "/digests/1", "/digests/1/preview")


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return open_services(tmp_path)


def subscribe(services: Services, *channels: Channel, **preferences: Any) -> list[Subscription]:
    """Store a digest for each channel, and return them with their keys."""
    wanted = Preferences(domains=("cs.LG",), **preferences)
    services.store.subscriptions.sync_from_settings(
        [Subscription(channel, wanted, Schedule()) for channel in channels], now=NOW
    )
    return list(services.store.subscriptions.list_active())


def make_token(services: Services) -> str:
    return create_token("web", "", "", services, now=NOW)[0]


def fetch(services: Services, *paths: str) -> list[httpx.Response]:
    """Return the answers to some paths for somebody who is signed in."""

    async def talk(site: Site) -> list[httpx.Response]:
        async with site.browse(make_token(services)) as client:
            return [await client.get(path) for path in paths]

    answers: list[httpx.Response] = serve(services, talk)
    return answers


class Reader(HTMLParser):
    """Collects the tags, the addresses and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_reviewer_in_trouble_is_no_source(services: Services) -> None:
    subscribe(services, Channel("slack", "C1", "T1"))
    services.store.health.report(REVIEWER, Trouble.REVIEWER_DOWN, detail="It does not answer.", now=NOW)
    text = Reader(fetch(services, "/")[0].text).text
    assert "The reviewer in trouble" in text
    assert "source in trouble" not in text


def test_the_first_page_says_what_failed_and_why(services: Services) -> None:
    fine, failed, stopped = subscribe(
        services, Channel("slack", "C1", "T1"), Channel("slack", "C2", "T1"), Channel("discord", "3", "9")
    )
    claim = services.store.outbox.claim(failed, NOW.date(), owner="a", now=NOW, lease=timedelta(minutes=5))
    assert claim
    services.store.outbox.abandon(claim, "The app is not in this channel.", now=NOW)
    services.store.subscriptions.stop(stopped.channel, "The server is gone.")
    services.store.health.report("arxiv", Trouble.OUTAGE, detail="arXiv answered 503.", now=NOW)
    text = Reader(fetch(services, "/")[0].text).text
    assert "2 digests need a look, 1 source in trouble" in text
    assert "C2 next" in text
    assert "Not posted: The app is not in this channel." in text
    assert "Stopped: The server is gone." in text
    assert "arxiv not fetched since Tue 24 Nov 09:00 UTC arXiv answered 503." in text
    assert "running 2 paused 0 stopped 1" in text
    assert "None is set up." in text
    assert f"/digests/{fine.id}" not in fetch(services, "/")[0].text


def test_the_budget_is_shown_with_its_limit(tmp_path: Path) -> None:
    services = open_services(
        tmp_path, '[reviewer]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"\ntokens_per_day = 1000\n'
    )
    page = fetch(services, "/")[0].text
    assert "tokens today 0 of 1,000 waiting" in Reader(page).text
    assert '<progress value="0" max="1000"' in page


def test_a_digest_has_its_editions_its_queue_and_a_preview(services: Services) -> None:
    (digest,) = subscribe(services, Channel("slack", "CT1", "T1"))
    services.store.workspaces.decide("slack", "T1", WorkspaceState.SERVED, now=NOW)
    services.store.workspaces.record_requests("slack", {"T1": "The lab"}, now=NOW)
    services.store.library.add(
        [(a_paper("2611.00001", title="A new method", primary_category="cs.LG"), a_review(9.0))], now=NOW
    )
    claim = services.store.outbox.claim(digest, NOW.date(), owner="a", now=NOW, lease=timedelta(minutes=5))
    assert claim
    services.store.outbox.reschedule(claim, "Slack is away.", next_try_at=NOW + timedelta(minutes=2))
    page, preview, missing = fetch(services, "/digests/1", "/digests/1/preview", "/digests/77")
    text = Reader(page.text).text
    assert "The 5 best papers from cs.LG" in text
    assert "The lab" in text
    assert "Tue 24 Nov waits for another try Slack is away. Again at Tue 24 Nov 09:02 UTC." in text
    assert "KTO: Model Alignment as Prospect Theoretic Optimization 1 want to discuss it" in text
    assert "A new method" in Reader(preview.text).text
    assert Reader(preview.text).addresses[0] == "/digests/1"
    assert "As of now" in preview.text
    assert (missing.status_code, "no such digest" in missing.text) == (404, True)


def test_a_list_comes_by_the_page(services: Services) -> None:
    subscribe(services, *(Channel("slack", f"C{n:03}", "T1") for n in range(120)))
    first, last, beyond, odd, found = fetch(
        services,
        "/digests",
        "/digests?page=3",
        "/digests?page=99",
        "/digests?page=x&page=-1",
        "/digests?find=c119",
    )
    assert "120 digests" in first.text
    assert len(re.findall("<li>", first.text)) == 50
    assert "/digests?page=2" in first.text
    assert len(re.findall("<li>", last.text)) == 20
    assert "3 of 3" in Reader(beyond.text).text
    assert "C000" in odd.text
    assert "C119" in found.text
    assert "C118" not in found.text


def test_nothing_is_shown_without_a_valid_token(services: Services) -> None:
    subscribe(services, Channel("slack", "CSECRET", "T1"))
    good, program = make_token(services), create_token("mcp", "slack:T1", "", services, now=NOW)[0]

    async def talk(site: Site) -> None:
        async with site.browse() as client:
            for path in PATHS:
                answer = await client.get(path)
                assert "CSECRET" not in answer.text
                assert 'name="token"' in answer.text
            for wrong in ("", program, good[:-1], "x" * 5000, "é\x00"):
                answer = await client.post("/login", data={"token": wrong})
                assert (answer.status_code, COOKIE in answer.headers.get("set-cookie", "")) == (403, False)
                assert good not in answer.text
                client.cookies.clear()
                answer = await client.get("/", headers={"Cookie": f"{COOKIE}={program}"})
                assert answer.status_code == 401
        async with site.browse(good) as client:
            assert "CSECRET" in (await client.get("/digests")).text
            services.store.access_tokens.revoke(1, by="root", now=NOW)
            assert "CSECRET" not in (await client.get("/digests")).text

    serve(services, talk)


def test_the_token_is_in_a_cookie_that_no_script_and_no_other_site_gets(services: Services) -> None:
    good = make_token(services)

    async def talk(site: Site) -> None:
        async with site.browse() as client:
            answer = await client.post("/login", data={"token": good})
            cookie = answer.headers["set-cookie"].lower()
            assert "httponly" in cookie
            assert "samesite=lax" in cookie
            assert "secure" not in cookie
            assert good not in str(answer.headers["location"])
            left = await client.post("/logout")
            assert 'paperround_token=""' in left.headers["set-cookie"]
            assert 'name="token"' in (await client.get("/")).text

    serve(services, talk)


@pytest.mark.parametrize("host", ["papers.example.org", "127.0.0.1:8765"])
def test_behind_a_proxy_the_cookie_needs_https(tmp_path: Path, host: str) -> None:
    services = open_services(tmp_path, '[web]\nnames = ["papers.example.org"]\n')
    good = make_token(services)

    async def talk(site: Site) -> None:
        async with site.browse() as client:
            headers = {"Host": host, "Origin": "https://papers.example.org"}
            answer = await client.post("/login", data={"token": good}, headers=headers)
            assert "secure" in answer.headers["set-cookie"].lower()

    serve(services, talk)


def test_a_browser_that_leaves_in_the_middle_of_a_sign_in_is_no_fault(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    async def talk(site: Site) -> None:
        port = httpx.URL(site.root).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /login HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
        )
        assert b" 100 " in await reader.readuntil(b"\r\n")  # The form is being read.
        writer.close()
        await writer.wait_closed()
        async with site.browse() as client:
            assert (await client.get("/")).status_code == 200

    serve(services, talk)
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


def test_no_route_changes_anything_and_every_answer_is_closed_to_scripts_and_caches(
    services: Services,
) -> None:
    subscribe(services, Channel("slack", "C1", "T1"))
    good = make_token(services)

    async def talk(site: Site) -> None:
        async with site.browse(good) as client:
            for path in PATHS:
                for method in ("POST", "PUT", "DELETE", "PATCH"):
                    assert (await client.request(method, path)).status_code == 405
                answer = await client.get(path)
                policy = answer.headers["content-security-policy"]
                assert "default-src 'none'" in policy
                assert "script" not in policy
                assert "unsafe-inline" not in policy
                assert answer.headers["cache-control"] == "no-store"
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert (await client.head(path)).content == b""
            for path in ("/login", "/etc/passwd", "/digests/1/x", "/digests/%2e%2e", "/site.css/../x"):
                assert (await client.get(path)).status_code in (404, 405)
            refused = await client.post("/logout", headers={"Origin": "https://evil.example"})
            assert refused.status_code == 403

    serve(services, talk)


def test_hostile_words_stay_words(services: Services) -> None:
    (digest,) = subscribe(services, Channel("slack", HOSTILE, f"T{HOSTILE}"), keywords=(HOSTILE,))
    store = services.store
    store.workspaces.record_requests("slack", {f"T{HOSTILE}": HOSTILE}, now=NOW)
    store.health.report(HOSTILE, Trouble.OUTAGE, detail=HOSTILE, now=NOW)
    store.library.add([(a_paper("2611.00001", title=HOSTILE), a_review(9.0, tldr=HOSTILE))], now=NOW)
    store.subscriptions.change(digest.channel, replace(digest, paused_by=HOSTILE), by=HOSTILE, now=NOW)
    store.subscriptions.stop(digest.channel, HOSTILE)
    answers = fetch(services, *PATHS, f"/digests?find={HOSTILE}", "/digests?platform=%22%3E%3Cscript%3E")
    for answer in answers:
        reader = Reader(answer.text)
        assert not reader.tags & {"script", "img", "iframe", "object", "base", "svg"}
        assert not [name for name in reader.attributes if name.startswith("on")]
        assert all(each[:1] == "/" or each[:8] == "https://" for each in reader.addresses)
        assert "\u202e" not in answer.text


@pytest.mark.parametrize("key", ["0", "-1", "1e3", "x" * 500, "9" * 400, "١", "%00", "1%20OR%201"])
def test_an_odd_key_is_no_digest(services: Services, key: str) -> None:
    subscribe(services, Channel("slack", "C1", "T1"))
    page, preview = fetch(services, f"/digests/{key}", f"/digests/{key}/preview")
    assert (page.status_code, preview.status_code) == (404, 404)


def test_a_store_that_does_not_answer_is_a_sentence(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = make_token(services)

    def fail(*_: object, **__: object) -> Iterator[object]:
        raise StoreError("The store does not answer.")

    async def talk(site: Site) -> None:
        async with site.browse(good) as client:
            monkeypatch.setattr(type(services.store.overview), "list_workspaces", fail)
            answer = await client.get("/")
            assert (answer.status_code, "The store does not answer." in answer.text) == (503, True)
            assert (await client.get("/digests")).status_code == 200

    serve(services, talk)


def test_the_policy_of_a_preview_allows_its_own_styles_alone() -> None:
    policy = build_style_policy('<style>a { color: red }</style><p style="border-color:#123">x</p>')
    assert policy.count("'sha256-") == 2
    assert "'self'" not in policy.partition("style-src")[2].partition(";")[0]


def test_an_unforeseen_failure_is_in_the_log_and_not_on_the_page(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    good = make_token(services)

    def fail(*_: object, **__: object) -> Iterator[object]:
        raise ZeroDivisionError("inner detail")

    async def talk(site: Site) -> None:
        async with site.browse(good) as client:
            monkeypatch.setattr(type(services.store.overview), "list_workspaces", fail)
            answer = await client.get("/")
            assert (answer.status_code, "inner detail" in answer.text) == (500, False)
            assert (await client.get("/digests")).status_code == 200

    serve(services, talk)
    assert "a request of the web was not answered" in caplog.text
