"""`paperround` with shorter waits, for tests of whole processes.

`python -m tests.impatient TIMEOUT_SECONDS ARXIV_GAP_SECONDS COMMAND ...` runs the command line with this
timeout of requests to platforms and this gap between requests to arXiv.
"""

import sys
from datetime import timedelta
from functools import partial

import bot.services
from bot.cli.main import main
from bot.delivery.context import DeliveryPolicy


def run_impatiently(timeout_seconds: float, arxiv_gap_seconds: float, arguments: list[str]) -> int:
    """Run a command and return its exit status."""
    impatient_policy = partial(DeliveryPolicy, timeout=timedelta(seconds=timeout_seconds))
    setattr(bot.services, "DeliveryPolicy", impatient_policy)  # noqa: B010 (a name that it only imports)
    bot.services.ARXIV_GAP = timedelta(seconds=arxiv_gap_seconds)
    return main(arguments)


if __name__ == "__main__":
    sys.exit(run_impatiently(float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
