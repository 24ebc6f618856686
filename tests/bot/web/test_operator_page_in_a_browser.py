"""The operator's page in a real browser: a phone and a desk, light and dark."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli.token import create_token
from bot.services import Services
from digests.model import Trouble
from digests.subscription import Channel, Preferences, Schedule, Subscription
from tests.bot.web.browser import CHROMIUM, Browser, open_browser
from tests.bot.web.served import Site, open_services, serve
from tests.builders import NOW, a_paper, a_review

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")

PHONE, DESK = 360, 1280
LONG = "averylongwordwithoutanyspace" * 12
PATHS = ("/", "/digests", "/digests/1", "/digests/1/preview")

WIDE = """JSON.stringify([...document.querySelectorAll("body *")].filter(
  e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
    || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).display !== "inline"
  ).slice(0, 5).map(e => e.tagName + "." + e.className + ": " + e.textContent.slice(0, 60)))"""

CONTRAST = """(() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const linear = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => { const l = [r, g, b].map(linear);
    return .2126 * l[0] + .7152 * l[1] + .0722 * l[2]; };
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
  const ratios = [...document.querySelectorAll("main *, header *")]
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
    .map(e => { const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
      return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.textContent.slice(0, 30)]; });
  return JSON.stringify(ratios.filter(([ratio]) => ratio < 4.5));
})()"""


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """Services whose pages have everything: troubles, long words, a queue, a digest with papers."""
    built = open_services(
        tmp_path, '[reviewer]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"\ncost_per_day = 3.0\n'
    )
    store = built.store
    channels = [
        Channel("slack", "CT1", "T1"),
        *(Channel("discord", f"12{n:017}", "1" * 19) for n in range(60)),
    ]
    preferences = Preferences(domains=("cs.LG",), keywords=(LONG,))
    store.subscriptions.sync_from_settings(
        [Subscription(channel, preferences, Schedule()) for channel in channels], now=NOW
    )
    digest = store.subscriptions.list_active()[0]
    store.library.add(
        [(a_paper("2611.00001", title=f"On {LONG}", primary_category="cs.LG"), a_review(9.0))], now=NOW
    )
    claim = store.outbox.claim(digest, NOW.date(), owner="a", now=NOW, lease=timedelta(minutes=5))
    assert claim
    store.outbox.abandon(claim, f"The channel says {LONG}.", now=NOW)
    store.workspaces.record_requests("slack", {"T1": f"The lab of {LONG}"}, now=NOW)
    store.health.report("arxiv", Trouble.OUTAGE, detail=f"arXiv answered {LONG}.", now=NOW)
    return built


async def sign_in(browser: Browser, site: Site, token: str) -> None:
    await browser.open(f"{site.root}/")
    await browser.evaluate(f"document.querySelector('#token').value = {json.dumps(token)}")
    await browser.evaluate("document.querySelector('form button').click()")
    await browser.wait_for("document.title.startsWith('Overview')")


def test_every_page_fits_a_phone_and_a_desk_and_is_readable_light_and_dark(
    services: Services, tmp_path: Path
) -> None:
    token = create_token("web", "", "", services, now=NOW)[0]

    async def talk(site: Site) -> None:
        async with open_browser(tmp_path) as browser:
            await browser.look_like(PHONE)
            await sign_in(browser, site, token)
            for width, dark in ((PHONE, False), (PHONE, True), (DESK, False), (DESK, True)):
                await browser.look_like(width, dark=dark)
                for path in PATHS:
                    await browser.open(f"{site.root}{path}")
                    shown = f"{path} at {width}, {'dark' if dark else 'light'}"
                    assert await browser.evaluate(WIDE) == "[]", shown
                    if not path.endswith("preview"):
                        assert await browser.evaluate(CONTRAST) == "[]", shown
                    background = await browser.evaluate("getComputedStyle(document.body).backgroundColor")
                    assert (sum(map(int, background[4:-1].split(","))) < 384) is dark, shown
            assert [error for error in browser.errors if "Content Security" in error] == []

    serve(services, talk)


def test_a_person_signs_in_walks_to_a_preview_and_signs_out(services: Services, tmp_path: Path) -> None:
    token = create_token("web", "", "", services, now=NOW)[0]

    async def talk(site: Site) -> None:
        async with open_browser(tmp_path) as browser:
            await browser.open(f"{site.root}/")
            await browser.evaluate("document.querySelector('#token').value = 'paperround_web_1_wrong'")
            await browser.evaluate("document.querySelector('form button').click()")
            await browser.wait_for("document.body.textContent.includes('This token is not valid')")
            await sign_in(browser, site, token)
            assert await browser.evaluate("document.cookie") == "", "no script sees the token"
            assert token not in await browser.evaluate("location.href + document.documentElement.outerHTML")
            for words in ("CT1", "Preview of", "← Back"):
                find = f"[...document.links].find(a => a.textContent.includes({json.dumps(words)}))"
                before = await browser.evaluate("location.href")
                await browser.evaluate(f"{find}.click()")
                await browser.wait_for(
                    f"location.href !== {json.dumps(before)} && document.readyState === 'complete'"
                )
            assert await browser.evaluate("location.pathname") == "/digests/1"
            await browser.evaluate("document.querySelector('header button').click()")
            await browser.wait_for("!!document.querySelector('#token')")

    serve(services, talk)
