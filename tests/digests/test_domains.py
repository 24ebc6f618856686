"""Domains: groups, aliases and categories."""

import pytest

from digests.domains import DOMAIN_GROUPS, domain_name, has_wanted_category, resolve_domain
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
    ],
)
def test_a_group_an_alias_and_a_category_resolve_in_any_case(domain: str, category: str) -> None:
    assert category in resolve_domain(domain)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("visoin", "vision"), ("langage", "language"), ("cs.CVV", "cs.CV"), ("robotic", "robotics")],
)
def test_an_unknown_domain_is_an_error_with_the_nearest_one(wrong: str, meant: str) -> None:
    with pytest.raises(InputError, match=meant) as refused:
        resolve_domain(wrong)
    assert wrong in str(refused.value)


def test_every_category_of_a_group_resolves() -> None:
    assert all(resolve_domain(category) for categories in DOMAIN_GROUPS.values() for category in categories)


def test_an_archive_includes_its_categories() -> None:
    assert has_wanted_category(["q-bio.BM"], frozenset(resolve_domain("biology")))
    assert not has_wanted_category(["cs.CL"], frozenset(resolve_domain("vision")))


def test_a_category_has_a_name_for_people() -> None:
    assert domain_name("cs.CV") == "Computer vision (cs.CV)"
    assert domain_name("xx.YY") == "xx.YY"
