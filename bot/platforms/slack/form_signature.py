"""Signature of the form's private_metadata, which travels through the client of the person who opened it."""

import hashlib
import hmac
import json

PURPOSE = b"paperround settings form"
"""Keeps the key apart from other uses of the bot token."""


def sign_form(token: str, team: str, user: str, channel: str) -> str:
    """Return the signature of a form for one channel, opened by one person in one workspace."""
    key = hmac.digest(token.encode(), PURPOSE, hashlib.sha256)
    return hmac.new(key, json.dumps([team, user, channel]).encode(), hashlib.sha256).hexdigest()


def is_form_signed(signature: str, token: str, team: str, user: str, channel: str) -> bool:
    """Return True if the signature is right for this workspace, person and channel. Takes constant time."""
    return hmac.compare_digest(signature.encode(), sign_form(token, team, user, channel).encode())
