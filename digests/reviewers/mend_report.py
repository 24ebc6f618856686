"""The report of repaired answers, and advice on the settings of a server whose answers need repair."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from digests.model import Assessment
from digests.ports.library import Library
from digests.reviewers.loose_json import Mend
from digests.reviewers.openai import ResponseFormat

PAPERS_PER_READ = 500

REPORTED_DAYS = 7
"""Days that a report looks back."""


@dataclass(slots=True)
class MendReport:
    """Counts over the reviews of one model: all, those with a mend, and the mends by their kind.

    `dropped_quotes` counts quotes that are not in the paper, and TL;DRs without one. `missed_count` papers
    have no review of the model, since it was down. `prompts` counts the reviews by the depth and the code of
    their prompt.
    """

    review_count: int = 0
    mended_count: int = 0
    dropped_quotes: int = 0
    missed_count: int = 0
    prompts: Counter[tuple[str, str]] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, assessment: Assessment) -> None:
        """Count one review."""
        self.review_count += 1
        self.mended_count += bool(assessment.mends)
        self.dropped_quotes += assessment.dropped_quotes
        self.counts.update(dict(assessment.mends))
        self.prompts[assessment.review_depth, assessment.prompt] += 1


def load_mend_reports(library: Library, now: datetime) -> dict[str, MendReport]:
    """Return a report for each model, by the model's name.

    Counts the current review of each paper, and all of a panel, of the last `REPORTED_DAYS` days. Raises
    StoreError.
    """
    since = now - timedelta(days=REPORTED_DAYS)
    reports: dict[str, MendReport] = {}
    seq = library.sequence_at(since)
    while changes := library.changes_after(seq, PAPERS_PER_READ):
        seq = changes[-1][0]
        for _, scored in changes:
            reviews = library.reviews_of(scored.paper.id) if scored.review.panel else (scored.review,)
            for model in scored.absent_models:
                reports.setdefault(model, MendReport()).missed_count += 1
            for review in reviews:
                if review.assessment and review.reviewed_at and review.reviewed_at >= since:
                    reports.setdefault(review.model, MendReport()).add(review.assessment)
    return dict(sorted(reports.items()))


_THINKING_ADVICE = (
    "turn thinking off (under [reviewer.extra], chat_template_kwargs = { enable_thinking = false }), "
    "or the server's reasoning parser"
)


def advise_on_answer(mends: Mapping[str, int], response_format: ResponseFormat) -> str:
    """Return the setting that keeps a server's answers from needing these mends, as part of a sentence.

    Empty if nothing has to be set: odd parts that cost only themselves need no change.
    """
    if Mend.OTHER_FIELD in mends:
        return f"the answer came in a field of thoughts or tool calls: {_THINKING_ADVICE}"
    if Mend.CUT_OFF in mends:
        return "the answer was cut off: raise score_answer and review_answer"
    if not {Mend.REPEATED, Mend.JSON, Mend.WRAPPER, Mend.GRADE, Mend.TEXT_FIELD} & set(mends):
        return ""
    if response_format is ResponseFormat.JSON_SCHEMA:
        return (
            "the server does not hold the model to the schema: use one that does (vLLM, llama.cpp and Ollama "
            "in their present versions), or a model that follows it"
        )
    return 'the answer left the schema: set response_format = "json_schema" if the server takes it'


def advise_on_failure(reason: str, response_format: ResponseFormat) -> str:
    """Return the setting that keeps answers from being unusable for a reason, empty if none is known."""
    if "thinking" in reason or "thoughts" in reason or "is empty" in reason:
        return f"Raise score_answer and review_answer, or {_THINKING_ADVICE}."
    if "cut off" in reason:
        return "Raise score_answer and review_answer."
    if response_format is not ResponseFormat.JSON_SCHEMA:
        return 'Set response_format = "json_schema" if the server takes it.'
    return "Use a server that holds the model to the schema, or a larger model."
