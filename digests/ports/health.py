"""The health of sources and of the reviewer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from digests.model import HealthReport, Trouble


class Health(Protocol):
    """How the sources and the reviewer are: what a digest and `paperround status` say of them."""

    def report(
        self,
        subject: str,
        trouble: Trouble | None,
        *,
        detail: str = "",
        waiting_count: int = 0,
        now: datetime,
    ) -> None:
        """How a source (its name) or the reviewer (`REVIEWER`) is now; call it after every try, also when it is well.

        The same trouble again keeps the instant since when it lasts. `detail` is one sentence, without secrets.
        """

    def latest_reports(self) -> Sequence[HealthReport]:
        """The last report of every subject, in the order of their names."""

    def troubles(self, since: datetime) -> Sequence[HealthReport]:
        """Those in trouble that were heard of since an instant: who fell silent longer ago speaks of nothing now."""
