"""Ways in which people say a subscription, and what is understood: a table of words and settings."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.conversation.subscription_form import form_of, parse_form
from bot.conversation.subscription_summary import describe_difference, describe_subscription
from bot.conversation.subscription_words import format_subscribe_words, understand_words
from digests.subscription import Channel, Subscription

NEW = Subscription(Channel("slack", "C1"))

UNDERSTOOD = [
    # Domains and topics.
    ("vision", "vision"),
    ("Vision papers, please", "Vision"),
    ("vision, llm", "vision, language"),
    ("llms daily", "language daily"),
    ("LLM and computer vision", "language, vision"),
    ("nlp", "nlp"),
    ("large language models", "language"),
    ("cs.CL cs.LG", "cs.CL, cs.LG"),
    ("papers on robotics", "robotics"),
    ("the latest papers from vision", "vision"),
    ("top 5 in machine learning", "machine learning"),
    ("graphics", "cs.GR"),
    ("rl", 'about "reinforcement learning"'),
    ("reinforcement learning", 'about "reinforcement learning"'),
    ("agents", 'about "agent"'),
    ("vision, rl", 'vision or about "reinforcement learning"'),
    ("all", "everything"),
    ("all papers", "everything"),
    ("everything not audio", 'everything not "audio"'),
    ("vision but not medical imaging", 'vision not "medical imaging"'),
    ("vision except audio, music", 'vision not "audio", "music"'),
    # Keywords.
    ('"diffusion models"', 'about "diffusion models"'),
    ("“diffusion models”, “flow matching”", 'about "diffusion models", "flow matching"'),
    ('vision "diffusion models"', 'vision about "diffusion models"'),
    ("vision about diffusion", 'vision about "diffusion"'),
    ('vision or about "diffusion"', 'vision or about "diffusion"'),
    ("top 3 about diffusion", 'about "diffusion" top 3'),
    ("about diffusion, flow matching and rectified flow",
     'about "diffusion", "flow matching", "rectified flow"'),
    ("about attention in transformers", 'about "attention in transformers"'),
    ("anything related to protein folding", 'about "protein folding"'),
    ("papers mentioning scaling laws", 'about "scaling laws"'),
    ("about world models at 9am Berlin", 'about "world models" at 09:00 in Europe/Berlin'),
    ("about rag every weekday 8:30", 'about "rag" at 08:30'),
    ("by Yoshua Bengio", 'everything by "Yoshua Bengio"'),
    # Every second week, and papers that another digest of the channel showed.
    ("agents on fri top 10 every 2 weeks", 'about "agent" top 10 on fri every 2 weeks'),
    ("vision every other friday at 9", "vision at 09:00 on fri every 2 weeks"),
    ("every second week on monday about rag", 'about "rag" on mon every 2 weeks'),
    ("fortnightly vision", "vision on mon every 2 weeks"),
    ("vision biweekly on tue, thu", "vision on tue, thu every 2 weeks"),
    ("vision repeat", "vision repeat"),
    ("vision with recap", "vision recap"),
    ("vision on fri repeat top 3", "vision top 3 on fri repeat"),
    # How many, and from which score.
    ("top 3", "everything top 3"),
    ("3 papers a day", "everything top 3 daily"),
    ("the five best papers in vision", "vision top 5"),
    ("best 10", "everything top 10"),
    ("at most 4 vision papers", "vision top 4"),
    ("vision top=3 min=7", "vision top 3 min 7"),
    ("min 7,5", "everything min 7.5"),
    ("vision min 7.5, top 3", "vision top 3 min 7.5"),
    ("scored 8 or more", "everything min 8"),
    ("at least 7", "everything min 7"),
    ("min score 7/10", "everything min 7"),
    # When and where.
    ("at 9am Berlin", "everything at 09:00 in Europe/Berlin"),
    ("at 9am in Berlin", "everything at 09:00 in Europe/Berlin"),
    ("at 9", "everything at 09:00"),
    ("9:30 new york", "everything at 09:30 in America/New_York"),
    ("at 8 p.m. Tokyo time", "everything at 20:00 in Asia/Tokyo"),
    ("vision at noon in San Francisco", "vision at 12:00 in America/Los_Angeles"),
    ("in Mumbai at 08.15", "everything at 08:15 in Asia/Kolkata"),
    ("every weekday", "everything weekdays"),
    ("every day at 7:45", "everything daily at 07:45"),
    ("every morning at 8", "everything daily at 08:00"),
    ("monday to friday", "everything weekdays"),
    ("Mon–Wed", "everything on mon, tue, wed"),
    ("mondays and thursdays at 18:00", "everything on mon, thu at 18:00"),
    ("every friday", "everything on fri"),
    ("on weekends", "everything on sat, sun"),
    ("weekly", "everything on mon"),
    ("weekly on fridays", "everything on fri"),
    ("top 10 every week", "everything on mon top 10"),
    ("vision, language daily at 9 UTC top 3", "vision, language daily at 09:00 top 3"),
    ("at half past eight", "everything at 08:30"),
    ("every morning at quarter past nine", "everything daily at 09:15"),
    ("at half past four pm in London", "everything at 16:30 in Europe/London"),
    ("at eight", "everything at 08:00"),
    ("vision compact", "vision style compact"),
    ("just audio, 3 a day", "audio top 3 daily"),
    ("vision but no medical imaging, daily", 'vision not "medical imaging" daily'),
    ("vision, no papers about faces", 'vision not "faces"'),
    ("no more than three papers", "everything top 3"),
    ("everything no audio", 'everything not "audio"'),
    ("vision without unscored papers", "vision unscored out"),
    ("safety and interpretability", 'about "safety", "interpretability"'),
    # Whole sentences.
    ("send me 4 multimodal papers each weekday at noon New York",
     'about "multimodal" top 4 at 12:00 in America/New_York'),
    ("please send us the 3 best vision papers every weekday at 9am Berlin time",
     "vision top 3 at 09:00 in Europe/Berlin"),
]  # fmt: skip
"""What a person types in a new channel, and plain words that mean the same."""


@pytest.mark.parametrize(("words", "meaning"), UNDERSTOOD)
def test_what_people_say_means(words: str, meaning: str) -> None:
    said = understand_words(words, NEW)
    assert said.problems == ()
    assert format_subscribe_words(said.subscription) == format_subscribe_words(
        understand_words(meaning, NEW).subscription
    )


def test_the_table_holds_sixty_ways_and_says_what_each_changes() -> None:
    assert len({words for words, _ in UNDERSTOOD}) == len(UNDERSTOOD) >= 60
    for words, _ in UNDERSTOOD:
        if words not in SAME_AS_A_NEW_DIGEST:
            assert describe_difference(NEW, understand_words(words, NEW).subscription), words


SAME_AS_A_NEW_DIGEST = {"all", "all papers", "every weekday", "monday to friday", "at 9"}
"""Words for what a new digest is anyway."""


@pytest.mark.parametrize(
    ("words", "understood", "said"),
    [
        ("visoin at 8:30", "everything at 08:30", "did you mean “vision”"),
        ("vision at 25:00 top 3", "vision top 3", "“25:00” isn't a valid time"),
        ("vision at 9am CET", "vision at 09:00", "Berlin, Paris, Madrid or Rome"),
        ("at 9am PST top 2", "everything at 09:00 top 2", "Los Angeles, Vancouver or Manila"),
        ("vision in Berlinn", "vision", 'did you mean "Europe/Berlin"?'),
        ("vision Berlinn", "vision", "did you mean “in Europe/Berlin”?"),
        ("vision twice a week", "vision", "days of the week"),
        ("transformers top 3", "everything top 3", "“about transformers” makes it a keyword"),
        ("vision top many", "vision", "from 1 to 50"),
        ("top 3 style list", "everything top 3", "cards, compact or thread"),
        ("vision mndays", "vision", "did you mean “mondays”"),
        ("vision 8+", "vision", "I don't know what “8+” is"),
    ],
)
def test_the_rest_of_what_is_not_all_understood_is_kept(words: str, understood: str, said: str) -> None:
    understanding = understand_words(words, NEW)
    assert said in understanding.problems[0]
    assert len(understanding.problems) == 1
    assert format_subscribe_words(understanding.subscription) == format_subscribe_words(
        understand_words(understood, NEW).subscription
    )


def test_more_words_than_a_subscription_has_are_refused_at_once() -> None:
    assert "write fewer" in understand_words("x " * 100_000, NEW).problems[0]


@pytest.mark.parametrize(
    ("words", "after"),
    [
        ("top 5", 'vision about "diffusion" top 5 at 10:00'),
        ("change time to 8:00", 'vision about "diffusion" top 3 at 08:00'),
        ("language", 'language about "diffusion" top 3 at 10:00'),
        ("about nothing", "vision top 3 at 10:00"),
        ('about "rag"', 'vision about "rag" top 3 at 10:00'),
        ("everything", "everything top 3 at 10:00"),
        ("no minimum", 'vision about "diffusion" top 3 at 10:00'),
        ("min none", 'vision about "diffusion" top 3 at 10:00'),
    ],
)
def test_changing_one_thing_leaves_the_others(words: str, after: str) -> None:
    base = understand_words('vision about "diffusion" top 3 at 10:00', NEW).subscription
    changed = understand_words(words, base, keeps_others=True)
    assert changed.problems == ()
    assert changed.subscription == understand_words(after, NEW).subscription


def test_another_rhythm_is_said_and_other_changes_keep_it() -> None:
    biweekly = understand_words("vision on fri every 2 weeks repeat", NEW).subscription
    assert describe_subscription(biweekly).startswith(
        "The 5 best papers from vision, on Friday of every second week at 09:00 (UTC)"
    )
    assert describe_subscription(biweekly).endswith("also papers that another digest here showed")
    kept = understand_words(
        "every 2 weeks", understand_words("vision on tue, thu", NEW).subscription, keeps_others=True
    )
    assert kept.subscription == understand_words("vision on tue, thu every 2 weeks", NEW).subscription
    changed = understand_words("top 3 on mon", biweekly, keeps_others=True).subscription
    assert (changed.schedule.every_weeks, changed.preferences.repeat) == (2, True)
    assert parse_form(form_of(biweekly), biweekly) == biweekly
    for words in ("weekly on fri", "daily"):
        weekly = understand_words(words, biweekly, keeps_others=True).subscription
        assert weekly.schedule.every_weeks == 1
        assert "every 2 → 1 weeks" in describe_difference(biweekly, weekly)


_PHRASES = [
    "stop showing",
    "no papers about",
    "cards",
    "on",
    "keyword",
    "or",
    "at",
    "half past",
    "top",
    "vision",
]


@given(st.lists(st.sampled_from(_PHRASES), max_size=5).map(" ".join))
@example("keyword")
@example("stop showing cards on")
def test_words_that_stop_in_the_middle_are_read_all_the_same(words: str) -> None:
    understand_words(words, NEW, keeps_others=True)
