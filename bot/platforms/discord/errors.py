"""Discord's error codes, with a sentence for each that says how to fix it.

The codes are those of https://docs.discord.com/developers/topics/opcodes-and-status-codes#json.
"""

UNKNOWN_CHANNEL, UNKNOWN_GUILD, UNKNOWN_MEMBER, UNKNOWN_MESSAGE = 10003, 10004, 10007, 10008
MISSING_ACCESS, MISSING_PERMISSIONS, THREAD_ARCHIVED = 50001, 50013, 50083
DIRECT_MESSAGES_CLOSED, NO_MUTUAL_SERVER = 50007, 50278
ALREADY_PUBLISHED, TAG_REQUIRED, THREAD_EXISTS, THREAD_LOCKED = 40033, 40067, 160004, 160005
BLOCKED_BY_CLOUDFLARE = 40333
"""Code of an answer that Cloudflare gives in place of Discord."""

CHANNEL_ERRORS = frozenset(
    [
        UNKNOWN_CHANNEL,
        UNKNOWN_GUILD,
        MISSING_ACCESS,
        MISSING_PERMISSIONS,
        DIRECT_MESSAGES_CLOSED,
        NO_MUTUAL_SERVER,
        50008,
        50024,
        TAG_REQUIRED,
        160006,
    ]
)
"""Codes of errors that last until a person changes something in the channel or the server."""

TOO_LARGE, INVALID_BODY, INVALID_FILE = 40005, 50035, 50046
FILE_ERRORS = frozenset([MISSING_PERMISSIONS, TOO_LARGE, INVALID_BODY, INVALID_FILE])
"""Codes of errors of a message with a file that may not concern the same message without it."""

_SENTENCES = {
    UNKNOWN_CHANNEL: "There is no such channel any more.",
    UNKNOWN_GUILD: "Paperround is not in this server any more.",
    UNKNOWN_MESSAGE: "The message is not there any more.",
    MISSING_ACCESS: "Paperround cannot see the channel: give it View Channel there, "
    "or invite it to the server again.",
    MISSING_PERMISSIONS: (
        "Paperround may not post in the channel: give it Send Messages, Embed Links and, "
        "for threads and forums, Send Messages in Threads there."
    ),
    DIRECT_MESSAGES_CLOSED: "This person takes no direct messages from Paperround.",
    NO_MUTUAL_SERVER: "This person is in no server with Paperround any more.",
    50008: "Messages cannot be posted in a channel of this kind.",
    50024: "Messages cannot be posted in a channel of this kind.",
    THREAD_ARCHIVED: "The thread is archived.",
    TAG_REQUIRED: "The forum asks for a tag on every post, and has none that Paperround may use: "
    "add one for papers.",
    THREAD_LOCKED: "The thread is locked.",
    160006: "The server has as many open threads as Discord allows: close some.",
}

UNAUTHORIZED_MESSAGE = (
    "Discord does not know this token: reset it on the application's page under Bot, "
    "and set the new DISCORD_TOKEN."
)


def explain_file_error(code: int) -> str:
    """Return a sentence about one of `FILE_ERRORS`."""
    match code:
        case 50013:
            return "Paperround may not attach files in the channel: give it Attach Files there."
        case 40005:
            return "The file is larger than Discord takes."
        case _:
            return f"Discord did not take the file ({code})."


def explain_error(code: int, text: str = "", *, channel: str = "") -> str:
    """Return a sentence that explains an error, and says how to fix it.

    An unknown code is named, with up to 200 characters of `text`, which is Discord's own message. `channel`
    is named for errors of the channel.
    """
    where = f" (channel {channel})" if channel and code in CHANNEL_ERRORS else ""
    sentence = _SENTENCES.get(
        code, f"Discord refused with {code or 'no code'}{f': {text[:200]}' if text else ''}."
    )
    return f"{sentence[:-1]}{where}." if where else sentence
