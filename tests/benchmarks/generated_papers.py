"""Generator of papers with natural word frequencies, and a store of them that is kept between runs."""

import os
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import accumulate, islice
from pathlib import Path

from digests.model import Paper, Review
from digests.ports import Store
from digests.store import open_store

VERSION = "1"
"""Version of the generated papers. Increase it with any change: kept stores are then made again."""

BATCH = 1_000
FIRST_DAY, LAST_DAY = date(2012, 1, 1), date(2026, 11, 20)
CATEGORIES = ("cs.LG", "cs.CV", "cs.CL", "cs.AI", "stat.ML", "cs.RO", "eess.IV", "cs.IR", "cs.SD", "cs.NE")
VOCABULARY = 120_000
FAMILY_NAMES, GIVEN_NAMES = 40_000, 3_000
TOPICS, TOPIC_WORDS = 400, 60

_FREQUENT = """
the of and a to in we model for learning that on with is data this method by are as from training
models an our which can propose be results performance neural network using deep based language it
has image tasks show however these such large approach new methods networks information different
paper state time work two or not between also problem have their framework multiple high more than
attention existing features representation art through while quality generation domain sparse graph
transformer reward policy agent robust dataset datasets samples detection optimization efficient
inference gradient diffusion reinforcement vision speech retrieval alignment segmentation video
""".split()  # noqa: SIM905
"""The most frequent words, most frequent first."""
_STARTS = ("b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "cl", "dr")
_SYLLABLES = [start + middle for start in (*_STARTS, "st", "tr") for middle in "aeiou"]
_SMALL_WORDS = ("for", "with", "of", "via", "in", "and")


class PaperGenerator:
    """Generator of papers that are the same for the same seed. Word frequencies follow Zipf's law."""

    def __init__(self, seed: int = 7) -> None:
        self._chance = random.Random(seed)
        made = self._invent_words(VOCABULARY - len(_FREQUENT))
        self._words = [*_FREQUENT, *made]
        self._weights = list(accumulate(1 / (rank + 2.7) for rank in range(VOCABULARY)))
        self._topics = [self._chance.choices(self._words[150:20_000], k=TOPIC_WORDS) for _ in range(TOPICS)]
        self._topic_weights = list(accumulate(1 / (rank + 3) for rank in range(TOPIC_WORDS)))
        self._given = [self._invent_word(2).capitalize() for _ in range(GIVEN_NAMES)]
        self._family = [self._invent_word(3).capitalize() for _ in range(FAMILY_NAMES)]
        self._name_weights = list(accumulate(1 / (rank + 20) for rank in range(FAMILY_NAMES)))

    def _invent_word(self, syllables: int) -> str:
        return "".join(self._chance.choices(_SYLLABLES, k=syllables)) + self._chance.choice(
            ("", "n", "r", "s", "t")
        )

    def _invent_words(self, count: int) -> list[str]:
        words = dict[str, None]()
        while len(words) < count:
            words[self._invent_word(self._chance.choice((2, 3, 3, 4)))] = None
        return list(words)

    def generate(self, count: int) -> Iterator[tuple[Paper, Review]]:
        """Yield papers with reviews, oldest first. Later years have more papers."""
        days = (LAST_DAY - FIRST_DAY).days
        month, number = "", 0
        for at in range(count):
            day = FIRST_DAY + timedelta(days=int(days * ((at + 1) / count) ** 0.5))
            number = number + 1 if month == f"{day:%y%m}" else 1
            month = f"{day:%y%m}"
            yield self._make_paper(f"{month}.{number:05}", day)

    def _make_paper(self, paper_id: str, day: date) -> tuple[Paper, Review]:
        chance = self._chance
        topic = chance.choice(self._topics)
        primary = CATEGORIES[min(int(chance.expovariate(0.5)), len(CATEGORIES) - 1)]
        paper = Paper(
            paper_id,
            self._make_title(topic),
            f"https://arxiv.org/abs/{paper_id}",
            version=1,
            authors=tuple(self._make_author() for _ in range(min(1 + int(chance.expovariate(0.3)), 12))),
            abstract=self._make_text(topic, max(40, int(chance.gauss(150, 40)))),
            primary_category=primary,
            categories=(primary, chance.choice(CATEGORIES)),
            published=day,
            code_url="https://github.com/a/b" if chance.random() < 0.2 else "",
        )
        if chance.random() < 0.2:
            return paper, Review()
        review = Review(
            score=round(min(max(chance.gauss(6, 1.5), 0), 10), 1),
            tldr=self._make_text(topic, 22),
            methodology=self._make_text(topic, 15),
            experiments=self._make_text(topic, 15),
            limitations=f"(1) {self._make_text(topic, 15)} (2) {self._make_text(topic, 15)}",
            model="bench",
            reviewed_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
        )
        return paper, review

    def _make_title(self, topic: list[str]) -> str:
        chance = self._chance
        words = [word.capitalize() for word in self._pick_words(topic, chance.randint(4, 9)) if word != "a"]
        words.insert(len(words) // 2, chance.choice(_SMALL_WORDS))
        title = " ".join(words)
        if chance.random() < 0.35:
            name = self._invent_word(2)
            return f"{name[:2].upper()}{name[2:]}{chance.choice(('', '', '2', '-V'))}: {title}"
        return title

    def _make_author(self) -> str:
        (family,) = self._chance.choices(self._family, cum_weights=self._name_weights)
        return f"{self._chance.choice(self._given)} {family}"

    def _pick_words(self, topic: list[str], count: int) -> list[str]:
        own = count * 3 // 10
        return [
            *self._chance.choices(topic, cum_weights=self._topic_weights, k=own),
            *self._chance.choices(self._words, cum_weights=self._weights, k=count - own),
        ]

    def _make_text(self, topic: list[str], count: int) -> str:
        words = self._pick_words(topic, count)
        self._chance.shuffle(words)
        sentences = [" ".join(words[at : at + 16]).capitalize() for at in range(0, len(words), 16)]
        return ". ".join(sentences) + "."


class GeneratedStore:
    """A store of generated papers in a folder: its file, and the store once it is opened."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count
        self.file = folder / f"papers-{count}-{VERSION}.db"

    @cached_property
    def store(self) -> Store:
        """The store. It is made first, unless a run before has made it."""
        if not self.file.is_file():
            self._fill()
        return open_store(f"sqlite:///{self.file}")

    def _fill(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / f"unfinished-{os.getpid()}"
        unfinished.mkdir()
        try:
            store = open_store(f"sqlite:///{unfinished / 'papers.db'}")
            papers = PaperGenerator().generate(self.count)
            while batch := list(islice(papers, BATCH)):
                store.library.add(batch, now=datetime(2026, 11, 24, 9, tzinfo=UTC))
            store.close()
            (unfinished / "papers.db").rename(self.file)
        finally:
            shutil.rmtree(unfinished)
