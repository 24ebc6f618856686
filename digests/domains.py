"""Domains: arXiv categories, and named groups of them. Pure."""

import difflib
import re
from collections.abc import Collection

from digests.errors import InputError

DOMAIN_GROUPS: dict[str, tuple[str, ...]] = {
    "vision": ("cs.CV", "eess.IV", "cs.GR"),
    "language": ("cs.CL",),
    "learning": ("cs.LG", "stat.ML", "cs.NE"),
    "ai": ("cs.AI", "cs.MA"),
    "robotics": ("cs.RO", "eess.SY", "cs.SY"),
    "audio": ("cs.SD", "eess.AS"),
    "retrieval": ("cs.IR", "cs.DL"),
    "people": ("cs.HC", "cs.CY"),
    "security": ("cs.CR",),
    "systems": ("cs.DC", "cs.AR", "cs.PF", "cs.OS", "cs.NI", "cs.DB"),
    "software": ("cs.SE", "cs.PL"),
    "theory": ("cs.DS", "cs.CC", "cs.IT", "math.ST", "stat.TH", "math.OC"),
    "statistics": ("stat.ML", "stat.ME", "stat.AP", "stat.CO", "stat.TH", "math.ST"),
    "biology": ("q-bio",),
    "physics": ("physics", "quant-ph", "cond-mat", "astro-ph"),
    "maths": ("math",),
}
"""Our groups of categories. A name without a dot stands for a whole archive: `q-bio` includes `q-bio.BM`."""

GROUP_ALIASES = {
    "cv": "vision", "nlp": "language", "text": "language", "ml": "learning", "machine learning": "learning",
    "robots": "robotics", "speech": "audio", "sound": "audio", "music": "audio", "search": "retrieval",
    "hci": "people", "math": "maths", "stats": "statistics", "privacy": "security", "hardware": "systems",
    "code": "software", "computer vision": "vision", "image": "vision", "images": "vision",
    "video": "vision", "graphics": "cs.GR", "natural language processing": "language", "llm": "language",
    "llms": "language", "large language models": "language", "language models": "language", "rl": "learning",
    "reinforcement learning": "learning", "deep learning": "learning", "dl": "learning",
    "neural networks": "learning", "artificial intelligence": "ai", "agent": "ai", "agents": "ai",
    "multi-agent": "cs.MA", "multi-agent systems": "cs.MA", "robot": "robotics", "control": "eess.SY",
    "ir": "retrieval", "information retrieval": "retrieval", "recommendation": "retrieval",
    "recommender systems": "retrieval", "asr": "audio", "tts": "audio",
    "human-computer interaction": "people", "society": "cs.CY", "cryptography": "security",
    "databases": "cs.DB", "programming languages": "cs.PL",
    "software engineering": "cs.SE", "distributed computing": "cs.DC", "networks": "cs.NI",
    "algorithms": "cs.DS", "optimization": "math.OC", "optimisation": "math.OC", "complexity": "cs.CC",
    "information theory": "cs.IT", "game theory": "cs.GT", "logic": "cs.LO", "signal processing": "eess.SP",
    "quantum": "quant-ph", "bio": "biology", "mathematics": "maths", "finance": "q-fin",
}  # fmt: skip
"""Other names of a group, a category or an archive, in lower case."""

CATEGORY_NAMES = {
    "cs.CV": "Computer vision", "cs.CL": "Language", "cs.LG": "Machine learning", "cs.AI": "AI",
    "cs.RO": "Robotics", "cs.SD": "Sound", "eess.AS": "Audio and speech", "cs.IR": "Information retrieval",
    "stat.ML": "Statistical learning", "cs.NE": "Neural computing", "cs.CR": "Security",
    "cs.HC": "Human-computer interaction", "cs.MA": "Multi-agent systems", "cs.SE": "Software engineering",
    "cs.DC": "Distributed computing", "eess.IV": "Image and video processing", "cs.GR": "Graphics",
    "cs.CY": "Computers and society", "cs.DB": "Databases", "cs.DS": "Algorithms",
    "cs.IT": "Information theory", "eess.SP": "Signal processing", "math.OC": "Optimization",
    "cs.PL": "Programming languages", "cs.AR": "Hardware", "cs.SI": "Social networks", "eess.SY": "Control",
    "cs.SY": "Control", "cs.DL": "Digital libraries", "quant-ph": "Quantum physics",
    "cs.SC": "Symbolic computation", "cs.LO": "Logic", "cs.GT": "Game theory",
    "stat.ME": "Statistical methods", "cs.NI": "Networks", "cs.MM": "Multimedia", "cs.CC": "Complexity",
}  # fmt: skip

ARCHIVES = frozenset(
    [
        "astro-ph",
        "cond-mat",
        "cs",
        "econ",
        "eess",
        "gr-qc",
        "hep-ex",
        "hep-lat",
        "hep-ph",
        "hep-th",
        "math",
        "math-ph",
        "nlin",
        "nucl-ex",
        "nucl-th",
        "physics",
        "q-bio",
        "q-fin",
        "quant-ph",
        "stat",
    ]
)
"""arXiv's archives, from its category taxonomy."""

SUBJECTS = {
    "cs": frozenset(
        ["AI", "AR", "CC", "CE", "CG", "CL", "CR", "CV", "CY", "DB", "DC", "DL", "DM", "DS", "ET", "FL", "GL",
         "GR", "GT", "HC", "IR", "IT", "LG", "LO", "MA", "MM", "MS", "NA", "NE", "NI", "OH", "OS", "PF", "PL",
         "RO", "SC", "SD", "SE", "SI", "SY"]
    ),
    "eess": frozenset(["AS", "IV", "SP", "SY"]),
    "stat": frozenset(["AP", "CO", "ME", "ML", "OT", "TH"]),
}  # fmt: skip
"""Subjects of the most used archives, to detect typing errors. Other archives accept any subject."""

MAX_NAME_CHARACTERS = 200
"""Characters of a name that are compared with the known ones."""

_CATEGORY = re.compile(r"([a-z]+(?:-[a-z]+)?)(?:\.([A-Za-z][A-Za-z-]{1,17}))?")


def domain_name(category: str) -> str:
    """Return a category's name for people, such as "Computer vision (cs.CV)", else the category itself."""
    return f"{CATEGORY_NAMES[category]} ({category})" if category in CATEGORY_NAMES else category


def describe_domain(domain: str) -> str:
    """Return the name of a known domain for people: that of its group or category, however it was written."""
    name = _canonical_name(domain)
    return name if name in DOMAIN_GROUPS else domain_name(name)


def name_domain_in_sentence(domain: str) -> str:
    """Return the name of a known domain within a sentence: vision, AI, language (cs.CL)."""
    name = describe_domain(domain)
    if name in ACRONYMS:
        return name.upper()
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def name_domain_in_header(domain: str) -> str:
    """Return the name of a known domain for a header: Vision, AI, Language."""
    name = _canonical_name(domain)
    if name in ACRONYMS:
        return name.upper()
    return CATEGORY_NAMES.get(name) or name[:1].upper() + name[1:]


ACRONYMS = frozenset(["ai"])
"""Groups that are written in capitals."""


def _canonical_name(domain: str) -> str:
    """Return the group, category or archive that a name stands for; an unknown name stays as it is."""
    word = domain.strip()
    folded = " ".join(word.lower().split())
    name = GROUP_ALIASES.get(folded, folded)
    return name if folded in GROUP_ALIASES or name in DOMAIN_GROUPS else _normalize_category(word)


def find_group(category: str) -> str:
    """Return our first group that has a category or its archive, else the category itself."""
    return _GROUP_BY_CATEGORY.get(category) or _GROUP_BY_CATEGORY.get(category.partition(".")[0]) or category


_GROUP_BY_CATEGORY = {
    category: group for group in reversed(DOMAIN_GROUPS) for category in DOMAIN_GROUPS[group]
}


def resolve_domain(domain: str) -> tuple[str, ...]:
    """Return the categories and archives of a domain, given as a group, an alias, a category or an archive.

    Groups, aliases and subjects are matched in any case (cs.cl), archives in lower case only. Raises
    InputError for an unknown domain, with the nearest known name if one is near.
    """
    name = _canonical_name(domain[:MAX_NAME_CHARACTERS])
    if name in DOMAIN_GROUPS:
        return DOMAIN_GROUPS[name]
    found = _CATEGORY.fullmatch(name)
    if found and found[1] in ARCHIVES and (not found[2] or _is_subject(found[1], found[2])):
        return (name,)
    raise InputError(f"Unknown domain {domain[:60]!r}: {_suggest_domain(name)}")


def _is_subject(archive: str, subject: str) -> bool:
    return archive not in SUBJECTS or subject.upper() in SUBJECTS[archive]


def _normalize_category(category: str) -> str:
    """Put a category's subject of two letters into capitals: cs.cv becomes cs.CV.

    Other subjects and the archive are unchanged.
    """
    archive, dot, subject = category.partition(".")
    return f"{archive}.{subject.upper() if len(subject) == 2 else subject}" if dot else category


def _suggest_domain(word: str) -> str:
    """Return the nearest group or category as a question, and the names of all groups."""
    known = {name.lower(): name for name in (*DOMAIN_GROUPS, *CATEGORY_NAMES)} | GROUP_ALIASES
    nearest = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    groups = ", ".join(DOMAIN_GROUPS)
    hint = f"did you mean {known[nearest[0]]!r}? Use" if nearest else "use"
    return f"{hint} an arXiv category such as cs.CL, or one of {groups}."


def has_wanted_category(categories: Collection[str], wanted: frozenset[str]) -> bool:
    """Return True if one of a paper's categories, or the archive of one, is in `wanted`."""
    if not wanted.isdisjoint(categories):
        return True
    return not wanted.isdisjoint([category.partition(".")[0] for category in categories])
