"""`paperround evaluate`: how far models' scores agree with people's."""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.cli.terminal import EXIT_OK, build_cli_services, print_json, print_lines
from bot.present.agreement import format_evaluation, to_evaluation_record
from bot.present.team_agreement import format_team_agreements, to_team_records
from digests.agreement import ModelScores, evaluate_agreement
from digests.errors import InputError
from digests.ids import parse_paper_id
from digests.ports import Store
from digests.ports.library import Library
from digests.recap import find_span
from digests.sources.score_files import read_judgements, read_model_scores
from digests.team_agreement import JUDGED_DIGESTS, measure_team_agreement

if TYPE_CHECKING:
    from bot.present.recap_picture import ChannelWeeks


def run_command(options: argparse.Namespace) -> int:
    """Print the agreement of models' scores with people's, as a table or as JSON, and draw it with --plot.

    The scores come from --scores, or from the reviews in the store. Raises InputError for a file that cannot
    be used, and if hardly any paper has both kinds of scores. With --marks, people's marks take the place of
    a file.
    """
    if not (options.human_file or options.marks):
        raise InputError("Name a file with people's scores, or compare with the channels' marks by --marks.")
    if options.plot:
        from bot.cli.agreement_plot import check_plotting

        check_plotting(options.plot)
    if options.marks:
        return _print_team_agreements(options)
    judgements = read_judgements(options.human_file, sys.stdin.buffer)
    if options.scores:
        scores: ModelScores = read_model_scores(options.scores, sys.stdin.buffer)
    else:
        scores = read_stored_scores(build_cli_services(options).store.library, judgements)
    evaluation = evaluate_agreement(judgements, _select_models(scores, options.model))
    if options.plot:
        from bot.cli.agreement_plot import save_plot

        save_plot(evaluation, options.plot)
    if options.json:
        print_json(json.dumps(to_evaluation_record(evaluation), ensure_ascii=False, indent=2))
    else:
        print_lines(*format_evaluation(evaluation))
    return EXIT_OK


def _print_team_agreements(options: argparse.Namespace) -> int:
    if options.human_file or options.scores or options.model:
        raise InputError("--marks compares what digests showed: it goes with --json and --plot alone.")
    store = build_cli_services(options).store
    if options.plot:
        _save_recap_plot(_load_two_weeks(store, datetime.now(UTC)), options.plot)
    agreements = {
        channel: measure_team_agreement(store.recaps.list_judged_digests(channel, JUDGED_DIGESTS))
        for channel in sorted({each.channel for each in store.subscriptions.list_active()}, key=str)
    }
    if options.json:
        print_json(json.dumps(to_team_records(agreements), ensure_ascii=False, indent=2))
    else:
        print_lines(*format_team_agreements(agreements))
    return EXIT_OK


def _save_recap_plot(weeks: "Sequence[ChannelWeeks]", file: Path) -> None:
    """Draw one part a channel. Raises InputError for nothing to draw, and if the file cannot be written."""
    from bot.present.recap_picture import draw_weeks

    weeks = [week for week in weeks if week.scores_by_day]
    if not weeks:
        raise InputError("No digest of the last two weeks showed a score: there is nothing to draw.")
    picture = draw_weeks(weeks, file.suffix.lower().removeprefix("."))
    try:
        file.write_bytes(picture)
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror or error}.") from None


def _load_two_weeks(store: Store, now: datetime) -> "list[ChannelWeeks]":
    """Load the last two weeks of each digest that showed scores. Held and rejected papers are left out."""
    from bot.present.recap_picture import ChannelWeeks

    weeks = []
    for subscription in store.subscriptions.list_active():
        schedule = replace(subscription.schedule, every_weeks=2)
        tomorrow = now.astimezone(ZoneInfo(schedule.time_zone)).date() + timedelta(days=1)
        facts = store.recaps.load_facts(subscription, find_span(schedule, tomorrow))
        papers = store.library.get(sorted({shown.paper for shown in facts.shown if shown.score is not None}))
        visible = {paper: scored for paper, scored in papers.items() if not scored.is_withheld}
        if visible:
            weeks.append(ChannelWeeks(subscription.full_name, facts, visible))
    return weeks


def read_stored_scores(library: Library, papers: Iterable[str]) -> dict[str, dict[str, float]]:
    """Read the scores of papers in the store, by model: of each model its newest review of a paper.

    Reviews that were made of several models' count as theirs. Papers are named as in the file of people's
    scores: an id or an address. Unknown ones are left out.
    """
    scores: dict[str, dict[str, float]] = {}
    for name in papers:
        found = parse_paper_id(name)
        for review in library.reviews_of(found.id if found else name):
            if review.score is not None and review.panel is None:
                scores.setdefault(review.model or "unnamed", {}).setdefault(name, review.score)
    return scores


def _select_models(scores: ModelScores, names: list[str]) -> Mapping[str, Mapping[str, float]]:
    unknown = [name for name in names if name not in scores]
    if unknown:
        known = ", ".join(sorted(scores)[:10]) or "none"
        raise InputError(f"There are no scores of the model “{unknown[0][:80]}”; there are of: {known}.")
    return {name: scores[name] for name in names or sorted(scores)}
