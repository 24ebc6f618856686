"""Agreement of scores with people's: the table, the sentence on trust, and the record for machines."""

from collections.abc import Sequence
from typing import Any

from digests.agreement import Agreement, Estimate, Evaluation, FittedPanel

FEW_PAPERS = 50
"""Papers below which an interval says more about chance than about a model."""

PAIRS_SHOWN = 10

NAME_WIDTH = 40

WORTHWHILE_GAIN = 0.02
"""Gain of Spearman's correlation from which weights are worth a setting."""


def format_evaluation(evaluation: Evaluation) -> list[str]:
    """Format the table of an evaluation, with the sentence on trust below it."""
    width = min(NAME_WIDTH, max(map(len, [*evaluation.models, "one person, with the others"])))
    rows = [(clip_middle(name, width), agreement) for name, agreement in _sort_models(evaluation)]
    if evaluation.panel and len(evaluation.models) > 2:
        rows.append((f"panel of all {len(evaluation.models)}", evaluation.panel))
    elif evaluation.panel:
        rows.append(("panel of both", evaluation.panel))
    lines = [f"{'':{width}}  papers  Spearman             Kendall  AUC   top 10 %"]
    lines += [f"{name:{width}}  {_format_row(agreement)}" for name, agreement in rows]
    if evaluation.ceiling:
        people = _format_interval(evaluation.ceiling)
        lines.append(f"{'one person, with the others':{width}}  {evaluation.ceiling_count:6}  {people}")
    if len(evaluation.models) > 2:
        lines += ["", *_format_pairs(evaluation)]
    if evaluation.fitted:
        lines += ["", _describe_weights(evaluation.fitted, width)]
    return [*lines, "", describe_trust(evaluation)]


def _sort_models(evaluation: Evaluation) -> list[tuple[str, Agreement]]:
    def order(item: tuple[str, Agreement]) -> tuple[float, str]:
        spearman = item[1].spearman
        return (-spearman.value if spearman else 2.0, item[0])

    return sorted(evaluation.models.items(), key=order)


def clip_middle(name: str, width: int) -> str:
    """Shorten a name to a width. Its end stays, where settings of one model differ."""
    head = (width - 1) // 2
    return name if len(name) <= width else f"{name[:head]}…{name[head + 1 - width :]}"


def _format_row(agreement: Agreement) -> str:
    kendall, auc = (f"{each.value:.2f}" if each else "-" for each in (agreement.kendall, agreement.auc))
    top = "-" if agreement.top_precision is None else f"{agreement.top_precision:.0%}"
    return f"{agreement.count:6}  {_format_interval(agreement.spearman):19}  {kendall:7}  {auc:4}  {top}"


def _format_interval(estimate: Estimate | None) -> str:
    if not estimate:
        return "-"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def _format_pairs(evaluation: Evaluation) -> list[str]:
    measured = [(pair, found.spearman) for pair, found in evaluation.pairs.items() if found.spearman]
    measured.sort(key=lambda item: -item[1].value)
    title = "Pairs:" if len(measured) <= PAIRS_SHOWN else f"The best {PAIRS_SHOWN} of {len(measured)} pairs:"
    return [
        title,
        *(
            f"  {_format_interval(spearman)}  {' + '.join(clip_middle(name, 32) for name in pair)}"
            for pair, spearman in measured[:PAIRS_SHOWN]
        ),
    ]


def _describe_weights(panel: FittedPanel, width: int) -> str:
    weights = sorted(panel.weights.items(), key=lambda item: -item[1])
    named = ", ".join(f"{clip_middle(name, width)} {weight:.2f}" for name, weight in weights)
    fitted, equal = panel.spearman, panel.spearman_of_equal_weights
    verdict = "worth setting" if fitted - equal >= WORTHWHILE_GAIN else "not worth setting"
    return (
        f"Weights, fitted on one half and tested on the other: {fitted:.2f} against {equal:.2f} "
        f"with equal ones, so {verdict} ({named})."
    )


def describe_trust(evaluation: Evaluation) -> str:
    """Say in one sentence how far the scores can be trusted: the panel's, or those of the best model."""
    best_name, best = _sort_models(evaluation)[0]
    who, agreement = ("the panel", evaluation.panel) if evaluation.panel else (best_name, best)
    spearman = agreement.spearman
    if not spearman:
        return f"Nothing can be said of {who}: all its scores, or all of people's, are equal."
    figures = f"{who} agrees with people at {_format_interval(spearman)}"
    if evaluation.ceiling:
        figures += f", one person with the others at {evaluation.ceiling.value:.2f}"
    if agreement.count < FEW_PAPERS:
        advice = f"{agreement.count} papers are too few to trust this figure"
    elif spearman.low <= 0:
        advice = "do not trust the scores: chance could give this agreement"
    elif evaluation.ceiling and spearman.value >= 0.8 * evaluation.ceiling.value:
        advice = "trust the order of papers about as far as that of one person, and no single score"
    elif spearman.value >= 0.3:
        advice = "trust it to put better papers first, and no single score"
    else:
        advice = "a weak signal: it sorts out the poorest papers, and little more"
    return f"How far to trust the scores: {figures}; {advice}."


def to_evaluation_record(evaluation: Evaluation) -> dict[str, Any]:
    """Convert an evaluation to the object that `--json` prints. An undefined figure is null."""
    fitted, ceiling = evaluation.fitted, evaluation.ceiling
    return {
        "models": {name: _to_record(agreement) for name, agreement in evaluation.models.items()},
        "pairs": [
            {"models": list(pair), **_to_record(agreement)} for pair, agreement in evaluation.pairs.items()
        ],
        "panel": _to_record(evaluation.panel) if evaluation.panel else None,
        "weights": fitted
        and {
            "by_model": {name: round(weight, 4) for name, weight in fitted.weights.items()},
            "spearman": round(fitted.spearman, 4),
            "spearman_of_equal_weights": round(fitted.spearman_of_equal_weights, 4),
        },
        "human_ceiling": ceiling
        and {
            "n": evaluation.ceiling_count,
            "spearman": round(ceiling.value, 4),
            "interval": _bounds(ceiling),
        },
        "trust": describe_trust(evaluation),
    }


def _to_record(agreement: Agreement) -> dict[str, Any]:
    record: dict[str, Any] = {"n": agreement.count}
    names = (("spearman", "interval"), ("kendall", "kendall_interval"), ("auc", "auc_interval"))
    for (name, interval), estimate in zip(
        names, (agreement.spearman, agreement.kendall, agreement.auc), strict=True
    ):
        record[name] = round(estimate.value, 4) if estimate else None
        if not estimate or estimate.low < estimate.high:
            record[interval] = _bounds(estimate) if estimate else None
    top = agreement.top_precision
    return {**record, "top_precision": None if top is None else round(top, 4)}


def _bounds(estimate: Estimate) -> Sequence[float]:
    return [round(estimate.low, 4), round(estimate.high, 4)]
