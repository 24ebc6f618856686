"""Subscriptions that can have no digest."""

from tests.chaos.world import Deployment, Tally, start_cluster

CORRUPT_VALUES = {
    "domains": "not json",
    "style": "origami",
    "time_zone": "Mars/Phobos",
    "at": "tea time",
    "days": "[]",
    "keywords": "{",
}
"""Columns of a subscription, and invalid values for them."""


async def corrupt_subscriptions(deployment: Deployment, *, channels: int = 6) -> Tally:
    """Channels that are gone or have unreadable settings: all others get their digest."""
    async with start_cluster(deployment) as cluster:
        papers = cluster.add_papers(cluster.clock().date())
        gone = cluster.subscribe_channel(papers)
        cluster.chat.close_channel(gone)
        for column, value in CORRUPT_VALUES.items():
            cluster.overwrite_column(cluster.subscribe_channel(papers), column, value)
        bad = list(cluster.expected_papers)
        cluster.subscribe_channels(papers, channels)
        for channel in bad:
            del cluster.expected_papers[channel]
        cluster.spawn_workers()
        await cluster.wait_until_all_finished()
        await cluster.wait_some_ticks()
        return cluster.tally_pages()
