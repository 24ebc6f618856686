"""Text for a terminal or a log: no character in it moves the cursor, hides text or forges a line."""

import logging

from bot.cli.redaction import hide_secrets

_CONTROLS = (
    *(code for code in range(0x20) if chr(code) not in "\t\n"),
    *range(0x7F, 0xA0),  # Delete, and the C1 controls: a terminal reads U+009B as ESC [.
    0x2028,  # The line and the paragraph separator: some viewers of logs break a line there.
    0x2029,
    *(0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)),  # Bidi marks and controls.
)
_ESCAPES = {code: f"\\u{code:04x}" for code in _CONTROLS}


def escape_controls(text: str) -> str:
    r"""Replace control characters and bidi controls by escapes such as \u001b. Tabs and line feeds stay.

    JSON text stays valid, with the same meaning.
    """
    return text.translate(_ESCAPES)


class SafeFormatter(logging.Formatter):
    """Formatter of log records. Control characters are escaped, and all lines but the first are indented.

    So no text from outside can pass for a record of its own. Secrets are removed.
    """

    def format(self, record: logging.LogRecord) -> str:
        return escape_controls(hide_secrets(super().format(record))).replace("\n", "\n    ")
