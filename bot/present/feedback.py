"""Wording of a channel's feedback: its effect on a digest, and the answers to those who give it. Pure."""

from collections.abc import Mapping, Sequence

from bot.chat.message import Button, ButtonAction, Buttons, Heading, Message, Text
from bot.present.card import MORE_OF_THIS, NOT_FOR_US, shorten_title
from bot.present.wording import clean_text, format_count, present_sentence
from digests.domains import find_group, name_domain_in_sentence
from digests.feedback import QUORUM, Agreement, ChannelFeedback
from digests.model import FeedbackEffect, ScoredPaper
from digests.text import clip_text

MAX_NAMED_EFFECTS = 3
"""Effects that a sentence names. More are counted."""

MAX_LISTED_AGREEMENTS = 10
"""Agreements of a channel that a list has, the strongest first."""

TITLE_CHARACTERS = 40
"""Characters of a paper's title among others."""

RULES = (
    "Feedback of the last 90 days orders new papers that score nearly the same, by half a point at most. It "
    "leaves no paper out, and moves none that scores 8.5 or more, or half a point over a higher minimum."
)


def describe_effects(effects: Sequence[FeedbackEffect]) -> str:
    """Describe why a digest has other papers than without feedback.

    Such as: Fewer: audio, since 3 said not for us. More: robotics, since 2 said more of this. The settings of
    this digest show and reset it.
    """
    return f"{_join_effects(effects)} The settings of this digest show and reset it."


def _join_effects(effects: Sequence[FeedbackEffect]) -> str:
    sentences = [_describe_effect(effect) for effect in effects[:MAX_NAMED_EFFECTS]]
    others = len(effects) - MAX_NAMED_EFFECTS
    return " ".join([*sentences, *([f"{others:,} more for such reasons."] if others > 0 else [])])


def _describe_effect(effect: FeedbackEffect) -> str:
    direction = "More" if effect.is_more else "Fewer"
    people = str(effect.people) if effect.people > 1 else "you"
    return f"{direction}: {effect.subject}, since {people} said {_name_opinion(effect.is_more)}."


def _name_opinion(is_more: bool) -> str:
    return (MORE_OF_THIS if is_more else NOT_FOR_US).lower()


def describe_agreements(feedback: ChannelFeedback, papers: Mapping[str, ScoredPaper]) -> str:
    """Describe what a channel's people agree on, the strongest first; "" without anything."""
    effects = _list_effects(feedback, papers)
    return f"Feedback here: {_join_effects(effects)}" if effects else ""


def _list_effects(feedback: ChannelFeedback, papers: Mapping[str, ScoredPaper]) -> list[FeedbackEffect]:
    named = [(name_domain_in_sentence(name), agreed) for name, agreed in feedback.domains.items()]
    named += [
        (f"papers like “{_name_paper(papers[paper])}”", agreed)
        for paper, agreed in feedback.papers.items()
        if paper in papers
    ]
    strongest = sorted(named, key=lambda each: (-each[1].level, -each[1].people, each[0]))
    return [FeedbackEffect(subject, agreed.is_more, agreed.people) for subject, agreed in strongest]


def _name_paper(scored: ScoredPaper) -> str:
    return shorten_title(clean_text(scored.paper.title) or scored.paper.id, TITLE_CHARACTERS)


def present_opinion(
    scored: ScoredPaper, is_more: bool, feedback: ChannelFeedback, *, is_direct: bool
) -> Message:
    """Build the answer to an opinion: what it does by now, and a button that takes it back.

    `feedback` is that of the channel with this opinion.
    """
    words = f"{_name_opinion(is_more).capitalize()}: “{_name_paper(scored)}”. "
    category = scored.paper.primary_category
    agreements = (
        ("of it and its like", feedback.papers.get(scored.paper.id)),
        (f"of {name_domain_in_sentence(find_group(category))}", feedback.domains.get(find_group(category))),
    )
    words += _describe_outcome(agreements, is_more, is_direct=is_direct)
    undo = Button(ButtonAction.TAKE_BACK, "Undo", scored.paper.id)
    return Message(words, (Text(words), Buttons((undo,))))


def _describe_outcome(
    agreements: Sequence[tuple[str, Agreement | None]], is_more: bool, *, is_direct: bool
) -> str:
    if is_direct:
        return f"Your next digests have {'more' if is_more else 'fewer'} papers like it."
    for subject, agreed in agreements:
        if agreed and agreed.is_more == is_more:
            return f"{agreed.people} here say so {subject}, and the next digests follow."
        if agreed:
            return f"{agreed.people} here say the contrary {subject}, so nothing changes yet."
    return f"It counts once {QUORUM} people say so here."


def present_feedback(
    feedback: ChannelFeedback, papers: Mapping[str, ScoredPaper], command: str, *, is_direct: bool
) -> Message:
    """Build the list of what a channel's people agree on, with the rules and the command that resets it."""
    title = "Your feedback" if is_direct else "Feedback in this channel"
    effects = _list_effects(feedback, papers)
    lines = [f"• {_describe_effect(effect)}" for effect in effects[:MAX_LISTED_AGREEMENTS]]
    others = len(effects) - MAX_LISTED_AGREEMENTS
    lines += [f"and {others:,} more"] if others > 0 else []
    example = f"{command} feedback less 2402.01306"
    hint = f"Choose {MORE_OF_THIS} or {NOT_FOR_US} in a card's menu, or write {example}."
    state = "\n".join(lines) or f"No two people agree on anything yet. {hint}"
    if is_direct and not lines:
        state = f"You said nothing of any paper yet. {hint}"
    reset = f" {command} feedback reset starts anew." if lines else ""
    return Message(title, (Heading(title), Text(state), Text(f"{RULES}{reset}", is_small_print=True)))


def present_reset_question(command: str) -> Message:
    """Build the question whether a channel's feedback is to be deleted."""
    return present_sentence(
        "This would delete what everybody said of papers here, and cannot be undone. Nothing was deleted "
        f"yet: {command} feedback reset yes does it."
    )


def present_reset(name: str, count: int) -> Message:
    """Build the announcement that a person reset a channel's feedback."""
    return present_sentence(
        f"{clip_text(name, 80)} reset the feedback of this channel: {format_count(count, 'opinion')} deleted."
    )
