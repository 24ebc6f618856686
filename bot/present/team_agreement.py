"""Agreement of scores with what teams wanted to discuss: sentences, and the record for machines. Pure."""

from collections.abc import Mapping
from typing import Any

from bot.present.wording import format_count
from digests.subscription import Channel
from digests.team_agreement import MIN_COMPARED_PAPERS, TeamAgreement

_EXPLANATION = (
    "A paper that people marked or discussed agrees if its score was higher than the median of the papers "
    "beside it in the digest that nobody wanted. Chance alone gives about half."
)


def describe_team_agreement(agreement: TeamAgreement) -> str:
    """Say how often the scores agreed with a team, or that there is not enough to say."""
    if not agreement.is_enough:
        return f"not enough marks to compare yet ({agreement.compared} of {MIN_COMPARED_PAPERS})"
    return f"agreed with your team on {agreement.agreed} of the last {agreement.compared}"


def format_team_agreements(agreements: Mapping[Channel, TeamAgreement]) -> list[str]:
    """Format one line a channel, and below them a sum and the meaning of the numbers."""
    if not agreements:
        return ["No channel has a digest yet."]
    lines = [f"{channel}: {describe_team_agreement(each)}" for channel, each in agreements.items()]
    enough = [each for each in agreements.values() if each.is_enough]
    if len(enough) > 1:
        compared = format_count(sum(each.compared for each in enough), "paper")
        lines.append(f"all together: agreed on {sum(each.agreed for each in enough)} of {compared}")
    return [*lines, "", _EXPLANATION]


def to_team_records(agreements: Mapping[Channel, TeamAgreement]) -> list[dict[str, Any]]:
    """Convert agreements to the objects that `--json` prints."""
    return [
        {
            "channel": str(channel),
            "agreed": each.agreed,
            "compared": each.compared,
            "is_enough": each.is_enough,
        }
        for channel, each in agreements.items()
    ]
