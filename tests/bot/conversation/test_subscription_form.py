"""A channel's digest in words and in a form."""

from dataclasses import fields, replace
from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.subscription_form import FormError, SubscriptionForm, form_of, parse_form
from bot.conversation.subscription_summary import describe_difference, describe_subscription
from bot.conversation.subscription_words import format_subscribe_words, parse_subscribe_words
from digests.errors import InputError
from digests.languages import LANGUAGES
from digests.subscription import (
    Channel,
    DigestStyle,
    MatchMode,
    Preferences,
    Schedule,
    Subscription,
    UnscoredPapers,
)

BASE = Subscription(Channel("slack", "C1"), Preferences(("audio",), ("old",), top=7), Schedule(time(7)))


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("vision top 3 min 8", Preferences(("vision",), top=3, min_score=8)),
        ("VISION, cs.CL and nlp", Preferences(("VISION", "cs.CL", "nlp"), top=7)),
        ("machine learning", Preferences(("machine learning",), top=7)),
        ("about llm agents, rag", Preferences((), ("llm agents", "rag"), top=7)),
        ("vision about “diffusion models” and alignment",
         Preferences(("vision",), ("diffusion models", "alignment"), top=7)),
        ("about ‘rlhf’, ‘world models’, bayes' rule",
         Preferences((), ("rlhf", "world models", "bayes' rule"), top=7)),
        ('vision or about "diffusion"', Preferences(("vision",), ("diffusion",), top=7, match=MatchMode.ANY)),
        ('about "diffusion" vision match any',
         Preferences((), ("diffusion", "vision"), top=7, match=MatchMode.ANY)),
        ('vision about rag or retrieval', Preferences(("vision",), ("rag", "retrieval"), top=7)),
        ('vision or language', Preferences(("vision", "language"), top=7)),
        ('vision by "Bengio, Yoshua" and "Y. LeCun" unscored left out',
         Preferences(("vision",), top=7, authors=("Yoshua Bengio", "Y. LeCun"),
                     unscored=UnscoredPapers.LEAVE_OUT)),
        ("unscored after vision", Preferences(("vision",), top=7)),
        ("vision language de", Preferences(("vision",), top=7, language="de")),
        ("language, language: German", Preferences(("language",), top=7, language="de")),
        ("about rag, agents in japanese", Preferences((), ("rag", "agents"), top=7, language="ja")),
        ("language to FR vision in Polish", Preferences(("vision",), top=7, language="pl")),
        ("language about rag", Preferences(("language",), ("rag",), top=7)),
        ("everything not audio, “bird song”", Preferences((), (), ("audio", "bird song"), top=7)),
        ("score 7.5 style thread",
         Preferences(("audio",), ("old",), top=7, min_score=7.5, style=DigestStyle.THREAD)),
    ],
)  # fmt: skip
def test_subscribe_words_change_only_the_fields_they_name(words: str, wish: Preferences) -> None:
    assert parse_subscribe_words(words, BASE).preferences == wish


@pytest.mark.parametrize(
    ("words", "schedule"),
    [
        ("at 08:30", Schedule(time(8, 30))),
        ("at 8.30 in berlin", Schedule(time(8, 30), time_zone="Europe/Berlin")),
        ("at 8.30 in Europe/Berlin", Schedule(time(8, 30), time_zone="Europe/Berlin")),
        ("at 9am", Schedule(time(9))),
        ("at 9 pm", Schedule(time(21))),
        ("at 8:30 PM daily", Schedule(time(20, 30), frozenset(range(7)))),
        ("at 12am", Schedule(time(0))),
        ("daily", Schedule(time(7), frozenset(range(7)))),
        ("on mon, wed", Schedule(time(7), frozenset({0, 2}))),
        ("on fri-mon", Schedule(time(7), frozenset({4, 5, 6, 0}))),
        ("on Mondays and tues", Schedule(time(7), frozenset({0, 1}))),
        ("weekdays at 06:00", Schedule(time(6))),
    ],
)
def test_words_say_when(words: str, schedule: Schedule) -> None:
    assert parse_subscribe_words(words, BASE).schedule == schedule


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("visoin", "did you mean “vision”"),
        ("transformers", "“about transformers” makes it a keyword"),
        ("at 25:00", "“25:00” isn't a valid time"),
        ("in Mars/Phobos", "“Mars/Phobos” isn't a valid time zone"),
        ("in berlinn", 'did you mean "Europe/Berlin"?'),
        ("in CET", "the time of several places"),
        ("top 0", "from 1 to 50"),
        ("top many", "from 1 to 50"),
        ("min 11", "from 0 to 10"),
        ("on someday", "“someday” isn't a valid day"),
        ("style fancy", "cards, compact or thread"),
        ("<!channel>", "“<!channel>”"),
        ("'; DROP TABLE papers; --", "I don't know what"),
        ("about " + "x" * 4000, "longer than 100 characters"),
    ],
)
def test_wrong_subscribe_words_are_answered_in_one_short_sentence(words: str, said: str) -> None:
    assert said in answer(words)
    assert len(answer(words)) < 300


def answer(words: str) -> str:
    """What is said to words that cannot be meant; nothing to those that can."""
    try:
        parse_subscribe_words(words, BASE)
    except InputError as error:
        return str(error)
    return ""


@given(st.text(max_size=400))
def test_any_text_is_a_subscription_or_a_short_sentence(text: str) -> None:
    assert len(answer(text)) < 300


def test_the_same_domain_many_times_is_one() -> None:
    assert parse_subscribe_words("vision " * 40, BASE).preferences.domains == ("vision",)


entries = st.lists(
    st.text("abc xyz-äß漢", min_size=1, max_size=20).map(lambda text: " ".join(text.split())).filter(bool),
    max_size=4, unique=True,
).map(tuple)  # fmt: skip
wishes = st.builds(
    Preferences,
    st.lists(st.sampled_from(["vision", "cs.CL", "machine learning", "math"]), max_size=3, unique=True).map(
        tuple
    ),
    entries,
    entries,
    st.integers(1, 50),
    st.none() | st.integers(0, 20).map(lambda half: half / 2),
    st.sampled_from(DigestStyle),
    entries,
    st.sampled_from(MatchMode),
    st.sampled_from(UnscoredPapers),
    st.booleans(),
    st.sampled_from(["", *LANGUAGES]),
).map(lambda wish: wish if wish.domains and wish.keywords else replace(wish, match=MatchMode.ALL))
schedules = st.builds(
    Schedule,
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
)


@given(wishes, schedules)
def test_a_formatted_subscription_parses_to_itself(wish: Preferences, schedule: Schedule) -> None:
    one = replace(BASE, preferences=wish, schedule=schedule)
    assert parse_subscribe_words(format_subscribe_words(one), BASE) == one
    base = replace(BASE, preferences=Preferences(language=wish.language))  # A form has no field for it.
    assert parse_form(form_of(one), base) == one
    assert describe_difference(one, one) == ""


def test_a_form_reports_every_problem_at_once() -> None:
    bad = SubscriptionForm(
        "visoin",
        "x" * 101,
        "",
        "0",
        "eleven",
        "25:00",
        (),
        "Mars/Phobos",
        "fancy",
        "y" * 101,
        "both",
        "first",
        "often",
        "3",
    )
    with pytest.raises(FormError) as refused:
        parse_form(bad, BASE)
    assert set(refused.value.problems) == {field.name for field in fields(SubscriptionForm)} - {
        "muted",
        "name",
        "new_name",
    }
    assert all(
        sentence.endswith((".", "?")) or "Use" in sentence for sentence in refused.value.problems.values()
    )


def test_a_list_that_no_form_could_show_is_refused() -> None:
    keywords = [f"{number:02} {'𝕏' * 90}" for number in range(30)]
    with pytest.raises(InputError, match="write 1500 at most"):
        parse_subscribe_words("about " + ", ".join(f'"{keyword}"' for keyword in keywords), BASE)
    taken = parse_subscribe_words("about " + ", ".join(f'"{keyword}"' for keyword in keywords[:15]), BASE)
    assert len(form_of(taken).keywords.encode("utf-16-le")) // 2 <= 3000


def test_an_empty_form_asks_for_its_required_fields() -> None:
    with pytest.raises(FormError) as refused:
        parse_form(SubscriptionForm(), BASE)
    assert set(refused.value.problems) == {"top", "at", "days", "time_zone", "style"}


def test_a_subscription_is_described_in_one_sentence() -> None:
    one = Subscription(
        BASE.channel,
        Preferences(("vision",), ("rag",), ("audio",), 3, 8),
        Schedule(time(8, 30), time_zone="Europe/Berlin"),
    )
    assert describe_subscription(one) == (
        "The 3 best papers from vision that are about rag, scored 8 or more, without audio, "
        "weekdays at 08:30 (Europe/Berlin), "
        "one message per paper"
    )
    assert describe_difference(one, replace(one, preferences=replace(one.preferences, top=5))) == "top 3 → 5"


@pytest.mark.parametrize(
    ("wish", "subject"),
    [
        (Preferences(("vision",), ("rag",)), "from vision that are about rag"),
        (Preferences(("vision",), ("rag",), match=MatchMode.ANY), "from vision or about rag"),
        (Preferences(("vision",), match=MatchMode.ANY), "from vision"),
        (Preferences(("vision",), authors=("Y. Bengio",)), "from vision, or by Y. Bengio"),
        (Preferences(authors=("Y. Bengio",)), "by Y. Bengio"),
        (Preferences(unscored=UnscoredPapers.LEAVE_OUT), ", none without a score"),
    ],
)
def test_a_description_says_whether_papers_must_match_both(wish: Preferences, subject: str) -> None:
    described = describe_subscription(replace(BASE, preferences=wish))
    gap = "" if subject.startswith(",") else " "
    assert described.startswith(f"The 5 best papers{gap}{subject}, weekdays")


def test_a_change_of_how_papers_match_is_described() -> None:
    before = replace(BASE, preferences=Preferences(("vision",), ("rag",), match=MatchMode.ANY))
    after = replace(BASE, preferences=Preferences(("vision",), ("rag",), authors=("Ada Byron",)))
    assert describe_difference(before, after) == "match any → all; authors none → Ada Byron"


def test_a_language_is_described_and_ends_in_words() -> None:
    german = replace(BASE, preferences=Preferences(language="de"))
    assert describe_subscription(german).endswith(", in German")
    for words in ("language en", "in English", "language original", "language none"):
        english = parse_subscribe_words(words, german, keeps_others=True)
        assert english.preferences == Preferences()
        assert describe_difference(german, english) == "language German → English"


def test_fields_that_a_form_does_not_have_keep_their_values() -> None:
    wish = Preferences(authors=("Ada Byron",), match=MatchMode.ANY, unscored=UnscoredPapers.LEAVE_OUT)
    base = replace(BASE, preferences=wish)
    short = replace(form_of(base), authors=None, match=None, unscored=None, top="9")
    assert parse_form(short, base).preferences == replace(wish, top=9)
