"""Domains: groups, aliases and categories."""

import pytest

from digests.domains import (
    DOMAIN_GROUPS,
    GROUP_ALIASES,
    describe_domain,
    domain_name,
    has_wanted_category,
    resolve_domain,
)
from digests.errors import InputError


@pytest.mark.parametrize(
    ("domain", "category"),
    [
        ("vision", "cs.CV"),
        ("Vision", "cs.CV"),
        ("cs.cv", "cs.CV"),
        ("NLP", "cs.CL"),
        ("cs.CL", "cs.CL"),
        ("q-bio.BM", "q-bio.BM"),
        ("LLMs", "cs.CL"),
        ("large  language models", "cs.CL"),
        ("RL", "cs.LG"),
        ("reinforcement learning", "cs.LG"),
        ("agents", "cs.AI"),
        ("graphics", "cs.GR"),
        ("quantum", "quant-ph"),
    ],
)
def test_a_group_an_alias_and_a_category_resolve_in_any_case(domain: str, category: str) -> None:
    assert category in resolve_domain(domain)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("visoin", "did you mean 'vision'"),
        ("langage", "did you mean 'language'"),
        ("cs.CVV", "did you mean 'cs.CV'"),
        ("robotic", "did you mean 'robotics'"),
        ("reinforcment learning", "did you mean 'learning'"),
        ("sheep", "'sheep': use an arXiv category"),
    ],
)
def test_an_unknown_domain_is_an_error_with_the_nearest_one(wrong: str, meant: str) -> None:
    with pytest.raises(InputError, match=meant) as refused:
        resolve_domain(wrong)
    assert wrong in str(refused.value)


def test_every_other_name_stands_for_a_group_or_a_category_that_resolves() -> None:
    for alias, name in GROUP_ALIASES.items():
        assert alias == alias.lower()
        assert alias not in DOMAIN_GROUPS
        assert resolve_domain(alias) == resolve_domain(name)


def test_a_domain_is_described_by_its_own_name_however_it_was_written() -> None:
    described = [describe_domain(name) for name in ("RL", "Vision", "cs.cl", "graphics", "q-bio")]
    assert described == ["learning", "vision", "Language (cs.CL)", "Graphics (cs.GR)", "q-bio"]


def test_every_category_of_a_group_resolves() -> None:
    assert all(resolve_domain(category) for categories in DOMAIN_GROUPS.values() for category in categories)


def test_an_archive_includes_its_categories() -> None:
    assert has_wanted_category(["q-bio.BM"], frozenset(resolve_domain("biology")))
    assert not has_wanted_category(["cs.CL"], frozenset(resolve_domain("vision")))


def test_a_category_has_a_name_for_people() -> None:
    assert domain_name("cs.CV") == "Computer vision (cs.CV)"
    assert domain_name("xx.YY") == "xx.YY"
