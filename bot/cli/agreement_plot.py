"""The picture of an evaluation: each model's agreement with people, with its interval."""

from pathlib import Path

from bot.present.agreement import clip_middle
from digests.agreement import Evaluation
from digests.errors import InputError

SUFFIXES = (".png", ".svg", ".pdf")


def check_plotting(file: Path) -> None:
    """Raise InputError if the picture cannot be drawn: by the name of its file, or without Matplotlib."""
    if file.suffix.lower() not in SUFFIXES:
        raise InputError(f"{file}: a picture's name must end with {', '.join(SUFFIXES)}.")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise InputError(
            "Pictures need Matplotlib: install it with “pip install '.[plot]'”, or leave --plot out."
        ) from None


def save_plot(evaluation: Evaluation, file: Path) -> None:
    """Draw models and panel as points with intervals, and the agreement among people as a line.

    Raises InputError if the file cannot be written.
    """
    # The figure is made without pyplot, which would look for a screen.
    from matplotlib.figure import Figure

    rows = [(name, found.spearman) for name, found in evaluation.models.items() if found.spearman]
    rows.sort(key=lambda row: row[1].value)
    if evaluation.panel and evaluation.panel.spearman:
        rows.append((f"panel of {len(evaluation.models)}", evaluation.panel.spearman))
    figure = Figure(figsize=(8, 1.4 + 0.45 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for at, (_, estimate) in enumerate(rows):
        axes.plot([estimate.low, estimate.high], [at, at], color="tab:blue", linewidth=2)
        axes.plot([estimate.value], [at], "o", color="tab:blue")
    if evaluation.ceiling:
        ceiling = evaluation.ceiling
        axes.axvspan(ceiling.low, ceiling.high, color="tab:orange", alpha=0.15)
        axes.axvline(ceiling.value, color="tab:orange", label="one person, with the others")
        figure.legend(loc="outside upper right", frameon=False)
    # A dollar sign would begin a formula.
    axes.set_yticks(range(len(rows)), [clip_middle(name, 40).replace("$", r"\$") for name, _ in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.axvline(0, color="gray", linewidth=0.8)
    axes.set_xlabel("Spearman's correlation with people, interval of 95 %")
    try:
        figure.savefig(file, dpi=150)
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror or error}.") from None
