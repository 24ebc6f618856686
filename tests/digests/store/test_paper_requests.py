"""Papers that people requested."""

from datetime import timedelta

import pytest

from digests.model import NOT_REVIEWED
from tests.builders import NOW, a_paper, a_review, a_store

pytestmark = pytest.mark.usefixtures("over_both")

LATER = NOW + timedelta(hours=1)


def test_requested_papers_are_listed_in_order_until_reviewed_or_dropped() -> None:
    store = a_store()
    papers, requests = store.library, store.paper_requests
    papers.add([(a_paper("2401.00001"), NOT_REVIEWED), (a_paper("2401.00002"), NOT_REVIEWED)], now=NOW)
    requests.add("2401.00003", now=NOW)
    requests.add("2401.00002", now=NOW)
    requests.add("2401.00001", now=LATER)
    requests.add("2401.00002", now=LATER + timedelta(hours=1))
    assert [scored.paper.id for scored in requests.list_unreviewed(9)] == ["2401.00002", "2401.00001"]
    assert [scored.paper.id for scored in requests.list_unreviewed(1)] == ["2401.00002"]
    assert requests.list_unknown(9) == ["2401.00003"]
    papers.add([(a_paper("2401.00002"), a_review())], now=LATER)
    requests.drop(["2401.00003"])
    assert [scored.paper.id for scored in requests.list_unreviewed(9)] == ["2401.00001"]
    assert requests.list_unknown(9) == []
