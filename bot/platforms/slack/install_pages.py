"""Pages of an installation from the link: what to type next, or what went wrong. Pure, without a script."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from types import MappingProxyType

from bot.platforms.slack.manifest import HISTORY_COST, HISTORY_SCOPES

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #1d1c1d; --soft: #4f4d50; --ground: #f6f5f2; --card: #fff;
  --line: #d9d7d2; --accent: #1f3a5f; --on-accent: #fff; }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #ecebe8; --soft: #b6b4b0; --ground: #17181a;
  --card: #222427; --line: #3a3d41; --accent: #9cc0ee; --on-accent: #10202f; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; padding: 2rem 1rem; background: var(--ground); color: var(--ink);
  font: 1.05rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }}
main {{ max-width: 36rem; margin: 0 auto; padding: 1.5rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 12px; }}
h1 {{ margin: 0 0 .75rem; font-size: 1.45rem; line-height: 1.3; }}
p, ol {{ margin: 0 0 1rem; }}
ol {{ padding-left: 1.4rem; }}
li {{ margin-bottom: .6rem; }}
code {{ padding: .1rem .35rem; border: 1px solid var(--line); border-radius: 6px; background: var(--ground);
  font: .95em/1.4 ui-monospace, monospace; box-decoration-break: clone;
  -webkit-box-decoration-break: clone; }}
.note {{ color: var(--soft); font-size: .95rem; }}
a {{ color: var(--accent); }}
a.button {{ display: inline-block; padding: .6rem 1.1rem; border-radius: 8px; background: var(--accent);
  color: var(--on-accent); text-decoration: none; font-weight: 600; }}
a:focus-visible {{ outline: 3px solid var(--accent); outline-offset: 3px; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


class InstallFailure(StrEnum):
    """The reason why an installation did not come about."""

    DENIED = "denied"
    OTHER_BROWSER = "other browser"
    USED = "used or expired"
    WRONG_APP = "wrong app"
    TOO_FEW_SCOPES = "too few scopes"
    SET_UP = "wrong set-up"
    UNREACHABLE = "no answer"
    NOT_STORED = "not stored"
    NOT_SERVED = "not served"


@dataclass(frozen=True, slots=True)
class _Words:
    status: int
    title: str
    text: str
    can_retry: bool = True


_FAILURES = {
    InstallFailure.DENIED: _Words(
        200,
        "Paperround was not installed",
        "You, or a rule of your workspace, did not allow it. Nothing was changed. If apps need an admin's "
        "approval in your workspace, ask an admin to open the link.",
    ),
    InstallFailure.OTHER_BROWSER: _Words(
        400,
        "This is not the browser that began",
        "An installation ends in the browser in which it began, with cookies allowed. Nothing was changed: "
        "begin again here.",
    ),
    InstallFailure.USED: _Words(
        400,
        "This step was done already, or took too long",
        "It is good once, for ten minutes. If Paperround was installed a moment ago, all is well, and "
        "nothing more is to be done here. Otherwise begin again.",
    ),
    InstallFailure.WRONG_APP: _Words(
        400,
        "These rights are of another app",
        "Slack granted them to a different app than this Paperround, so they were not taken. The person who "
        "runs Paperround finds the reason in its log.",
        can_retry=False,
    ),
    InstallFailure.TOO_FEW_SCOPES: _Words(
        400,
        "Paperround got too few rights",
        "Slack did not grant the right to post messages, without which it can bring no digest. Begin again, "
        "and allow what the list shows as needed.",
    ),
    InstallFailure.SET_UP: _Words(
        500,
        "Paperround is not set up right",
        "Slack does not accept it as this app. Nothing was changed in your workspace. The person who runs "
        "Paperround finds the reason in its log.",
        can_retry=False,
    ),
    InstallFailure.UNREACHABLE: _Words(
        502,
        "Slack did not answer",
        "Paperround could not fetch its rights. Begin again in a minute; if Slack shows the app as installed "
        "already, that does no harm.",
    ),
    InstallFailure.NOT_STORED: _Words(
        503,
        "The installation could not be stored",
        "Slack allowed it, and Paperround could not write it down. Begin again in a minute.",
    ),
    InstallFailure.NOT_SERVED: _Words(
        403,
        "Paperround does not serve this workspace",
        "The person who runs Paperround decided so, and can take it back. Nothing was stored. If Slack shows "
        "the app as installed, an admin removes it there, under Manage apps.",
        can_retry=False,
    ),
}


def render_failure(failure: InstallFailure, install_path: str) -> tuple[int, str]:
    """Return the status and the page of an installation that did not come about."""
    words = _FAILURES[failure]
    body = f"<p>{escape(words.text)}</p>"
    if words.can_retry:
        body += f'\n<p><a class="button" href="{escape(install_path)}">Begin again</a></p>'
    return words.status, _PAGE.format(title=escape(words.title), body=body)


def render_success(
    name: str,
    *,
    link: str,
    paper_command: str,
    digest_command: str,
    is_organization: bool = False,
    left_out: Mapping[str, str] = MappingProxyType({}),
    started_count: int = 0,
) -> str:
    """Return the page of an installation in a workspace or organization: its name, and what to type next.

    `link` opens the app in Slack. `left_out` are optional rights that were not granted, with their reasons,
    and `started_count` digests of an earlier installation that go on.
    """
    parts = [] if not started_count else [_describe_started(started_count)]
    if is_organization:
        parts.append(
            "<p>It is installed for the whole organization. In each workspace that shall have it, an admin "
            "of the organization adds it under <em>Integrations</em>, <em>Apps</em>.</p>"
        )
    parts += [
        "<p>What to type next, in Slack:</p>",
        "<ol>",
        "<li>In the channel that shall get the papers: <code>/invite @paperround</code></li>",
        f"<li>There: <code>{escape(digest_command)} subscribe vision at 09:00</code>, or in your own words. "
        f"<code>{escape(digest_command)} help</code> shows more.</li>",
        f"<li>Anywhere: <code>{escape(paper_command)} 2402.01306</code> looks a paper up; "
        "only you see it.</li>",
        "</ol>",
        f'<p><a class="button" href="{escape(link)}">Open Slack</a></p>',
    ]
    if left_out:
        parts.append(_describe_left_out(left_out))
    title = f"Paperround is in {name}" if name else "Paperround is installed"
    return _PAGE.format(title=escape(title), body="\n".join(parts))


def _describe_left_out(scopes: Mapping[str, str]) -> str:
    """Return a note about optional rights that were not granted, with their reasons and their cost."""
    names = "; ".join(f"<code>{escape(scope)}</code> ({escape(reason)})" for scope, reason in scopes.items())
    cost = f" {HISTORY_COST}" if scopes.keys() & HISTORY_SCOPES else ""
    return f'<p class="note">You left out {names}. Everything else works.{escape(cost)}</p>'


def _describe_started(count: int) -> str:
    digests = "1 digest goes" if count == 1 else f"{count} digests go"
    return f"<p>Welcome back: {digests} on as before.</p>"
