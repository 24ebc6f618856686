"""Log records as JSON, one object a line, for programs that collect logs."""

import json
import logging
from datetime import UTC, datetime

from bot.cli.redaction import hide_secrets
from bot.log_fields import read_log_fields


class JsonFormatter(logging.Formatter):
    """Formatter of records as JSON objects in ASCII, so that no text can end a line or look like a record.

    `time`, `level`, `logger` and `message` are in each; `channel`, `workspace`, `edition` and `attempt` in
    those of a delivery; `traceback` where an exception was logged. Secrets are removed from every text.
    """

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, str | int] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": hide_secrets(_format_message(record)),
        }
        for name, value in read_log_fields().items():
            fields[name] = hide_secrets(value) if isinstance(value, str) else value
        traces = [self.formatException(record.exc_info)] if record.exc_info else []
        traces += [self.formatStack(record.stack_info)] if record.stack_info else []
        if traces:
            fields["traceback"] = hide_secrets("\n".join(traces))
        return json.dumps(fields)


def _format_message(record: logging.LogRecord) -> str:
    """Return the message; its pattern alone if a library's arguments do not fit it."""
    try:
        return record.getMessage()
    except Exception:
        return str(record.msg)
