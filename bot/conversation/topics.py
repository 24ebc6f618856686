"""Domains and keywords by the names that people use, such as llms and rl. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from digests.domains import CATEGORY_NAMES, DOMAIN_GROUPS, domain_name, resolve_domain
from digests.errors import InputError

MAX_TOPIC_WORDS = 3
"""Words of the longest name that is looked up."""
MAX_TOPIC_CHARACTERS = 60
"""Characters of a name that is looked up."""

_DOMAIN_BY_NAME = {
    "artificial intelligence": "ai", "computer graphics": "cs.GR", "computer vision": "vision",
    "deep learning": "learning",
    "databases": "cs.DB", "graphics": "cs.GR", "language model": "language", "language models": "language",
    "large language model": "language", "large language models": "language", "llm": "language",
    "llms": "language", "multi-agent": "cs.MA", "multiagent": "cs.MA",
    "natural language processing": "language", "neural networks": "learning", "robot": "robotics",
}  # fmt: skip

_KEYWORD_BY_NAME = {
    "agent": "agent", "agents": "agent", "ai agents": "agent", "diffusion": "diffusion",
    "ai safety": "safety", "alignment": "alignment",
    "diffusion models": "diffusion", "interpretability": "interpretability", "llm agents": "agent",
    "mixture of experts": "mixture of experts", "moe": "mixture of experts", "multimodal": "multimodal",
    "multimodal models": "multimodal", "rag": "retrieval-augmented generation", "reasoning": "reasoning",
    "safety": "safety", "vlm": "vision-language", "vlms": "vision-language", "world models": "world model",
    "reinforcement learning": "reinforcement learning", "rl": "reinforcement learning", "rlhf": "RLHF",
}  # fmt: skip
"""Topics of many domains: a keyword finds their papers, a category does not."""


@dataclass(frozen=True, slots=True)
class Topic:
    """Domain or keyword that a name stands for. The other one is empty."""

    domain: str = ""
    keyword: str = ""


def find_topic(name: str) -> Topic | None:
    """Return the domain or keyword behind a name, or None.

    A group or category stays as it was typed.
    """
    if len(name) > MAX_TOPIC_CHARACTERS:
        return None
    folded = " ".join(name.lower().split())
    if folded in _KEYWORD_BY_NAME:
        return Topic(keyword=_KEYWORD_BY_NAME[folded])
    if folded in _DOMAIN_BY_NAME:
        return Topic(domain=_DOMAIN_BY_NAME[folded])
    try:
        resolve_domain(name)
    except InputError:
        domain = _categories_by_name().get(folded, "")
        return Topic(domain=domain) if domain else None
    return Topic(domain=name.strip())


def list_topics() -> Iterator[tuple[str, str]]:
    """Yield the names to suggest, each as a pair of label and value: groups, categories, then other names."""
    yield from ((group, group) for group in DOMAIN_GROUPS)
    yield from ((domain_name(category), category) for category in CATEGORY_NAMES)
    yield from ((f"{name}: {domain_name(domain)}", domain) for name, domain in _DOMAIN_BY_NAME.items())
    yield from ((f"{name}: the keyword {keyword}", name) for name, keyword in _KEYWORD_BY_NAME.items())
    yield ("nlp: language", "language")


@cache
def _categories_by_name() -> dict[str, str]:
    """Return arXiv's categories by their names in lower case, the better known one of two first."""
    found: dict[str, str] = {}
    for category, name in CATEGORY_NAMES.items():
        found.setdefault(name.lower(), category)
    return found
