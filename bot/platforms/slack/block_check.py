"""Check of our blocks by Slack itself: `blocks.validate` with a sample digest. It posts nothing."""

import json
from collections.abc import Sequence
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.findings import Finding, Severity
from bot.chat.port import Page
from bot.platforms.slack.errors import parse_error_response
from bot.platforms.slack.preflight import RefusedError, await_answer
from digests.text import clip_text, normalize_text

SUBJECT = "messages"
_REFUSALS = frozenset(["invalid_blocks", "invalid_message"])

MAX_ERRORS, MAX_ERROR_CHARACTERS = 3, 200
"""Errors of Slack that are shown, and characters of each."""


async def check_blocks(client: AsyncWebClient, pages: Sequence[Page]) -> list[Finding]:
    """Ask Slack to validate the blocks of some pages, and return a finding.

    A refusal is a warning: cards may still be posted without what was refused. No finding if Slack cannot be
    reached, or does not know the method. Never raises.
    """
    for page in pages:
        try:
            blocks = json.dumps(page.payload.get("blocks", []))
            await await_answer(client.api_call("blocks.validate", data={"blocks": blocks}))
        except RefusedError as refused:
            if refused.code not in _REFUSALS:
                return []
            details = "; ".join(_list_errors(refused.__cause__)) or refused.code
            sentence = f"Slack would refuse the blocks of a digest ({details}): please report this."
            return [Finding(Severity.WARNING, SUBJECT, sentence)]
    return [Finding(Severity.OK, SUBJECT, "Slack takes the blocks of a sample digest.")]


def _list_errors(cause: BaseException | None) -> list[str]:
    """Return the first errors of an answer, each with the place of the block. They are Slack's texts."""
    answer = parse_error_response(cause.response) if isinstance(cause, SlackApiError) else {}
    errors: Any = answer.get("errors")
    found = [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    texts = [f"{each.get('pointer', '')} {each.get('message', '')}" for each in found[:MAX_ERRORS]]
    return [clip_text(normalize_text(text), MAX_ERROR_CHARACTERS) for text in texts]
