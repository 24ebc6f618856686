"""Paper ids, parsed from arXiv ids, addresses and DOIs, or made from other web addresses. Pure."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote, urlsplit, urlunsplit

from digests.errors import InputError
from digests.text import limit_combining_marks

MAX_ADDRESS_LENGTH = 2000
"""Characters. Longer addresses break chat platforms, browsers and proxies."""

_NEW_ID = r"(?:0[7-9]|[1-9][0-9])(?:0[1-9]|1[0-2])\.[0-9]{4,6}"
_OLD_ID = r"[a-z]+(?:-[a-z]+)?(?:\.[A-Z]{2})?/[0-9]{2}(?:0[1-9]|1[0-2])[0-9]{3}"
_ARXIV_ID = re.compile(
    rf"(?:arxiv:\s*)?(?P<id>{_NEW_ID}|{_OLD_ID})(?:v(?P<version>[1-9]\d{{0,3}}))?", re.IGNORECASE
)
_ARXIV_ADDRESS = re.compile(
    r"(?:https?://)?(?:[a-z]+\.|ar5iv\.labs\.)?(?:"
    r"(?:arxiv|alphaxiv|ar5iv)\.org/+(?:abs|pdf|html|format|e-print|src|overview|papers)"
    r"|(?:huggingface\.co|hf\.co|arxiv-vanity\.com|emergentmind\.com)/papers|(?:scirate\.com|papers\.cool)/arxiv"
    rf")/+(?P<id>{_NEW_ID}|{_OLD_ID})(?:v(?P<version>[1-9]\d{{0,3}}))?(?:\.pdf)?/*(?:[?#].*)?",
    re.IGNORECASE,
)
_DOI_ADDRESS = re.compile(
    rf"(?:(?:https?://)?(?:www\.|dx\.)?doi\.org/|doi:\s*)?"
    rf"10\.48550/arxiv\.(?P<id>{_NEW_ID}|{_OLD_ID})(?P<version>)/*",
    re.IGNORECASE,
)

_CLOSING_SIGNS = ".,;:!?"
"""Signs of a sentence that stand behind an id or address without being part of it."""

_TRACKING_PARAMETER = re.compile(
    r"(?:utm_\w+|fbclid|gclid|dclid|msclkid|mc_[ce]id|igshid|yclid|twclid|_hsenc|_hsmi|ref_src)(?:=|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PaperId:
    """A paper's id without its version, the link to it, and the version if one was named.

    `id` is an arXiv id, or "web:" and a hash for a paper outside arXiv. `url` is empty if only such a hash is
    known.
    """

    id: str
    url: str
    version: int | None = None


def parse_arxiv_id(text: str) -> PaperId | None:
    """Parse an arXiv id, old or new, from an id, an address or a DOI. None if the text is none of these.

    Addresses are those of arXiv and of sites that show its papers, such as alphaXiv and Hugging Face. White
    space around the text and a sentence's sign behind it are ignored.
    """
    text = text.strip().rstrip(_CLOSING_SIGNS)
    for form in (_ARXIV_ID, _ARXIV_ADDRESS, _DOI_ADDRESS):
        if found := form.fullmatch(text):
            name = _strip_subject_class(found["id"])
            version = int(found["version"]) if found["version"] else None
            return PaperId(name, f"https://arxiv.org/abs/{name}", version)
    return None


def _strip_subject_class(name: str) -> str:
    """Return an old id in its canonical form: math.GT/0309136 becomes math/0309136, in lower case.

    A new id, which has no slash, is unchanged.
    """
    archive, slash, number = name.partition("/")
    return f"{archive.split('.')[0].lower()}/{number}" if slash else name


def paper_id_of_address(address: str) -> PaperId:
    """Return the arXiv id that a web address names, else an id made from a hash of what it points to.

    The scheme, "www." and a slash at the end make no difference to the id. Raises InputError for an address
    that `canonicalize_address` refuses.
    """
    if arxiv := parse_arxiv_id(address):
        return arxiv
    url = canonicalize_address(address)
    parts = urlsplit(url)
    host = parts.netloc.removeprefix("www.").removesuffix(":443" if parts.scheme == "https" else ":80")
    target = urlunsplit(("https", host, parts.path.rstrip("/") or "/", parts.query, ""))
    return PaperId("web:" + hashlib.sha256(target.encode()).hexdigest()[:16], url)


def canonicalize_address(address: str) -> str:
    """Return an address quoted so that it is safe in a link, without fragment and tracking parameters.

    Its host is in lower case, and a sentence's sign behind it is removed. Raises InputError for anything but
    an http(s) address with a dot in its host, for one with a user name or password, and for one that is
    longer than `MAX_ADDRESS_LENGTH`.
    """
    address = address.strip().rstrip(_CLOSING_SIGNS)
    if len(address) > MAX_ADDRESS_LENGTH:
        raise InputError(f"the address is longer than {MAX_ADDRESS_LENGTH} characters")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
        address.encode()
    except ValueError:
        raise InputError(f"{address[:80]!r} is not a web address") from None
    if parts.scheme not in ("http", "https") or not host or not re.fullmatch(r"[\w.-]+\.[\w-]+", host):
        raise InputError(f"{address[:80]!r} is not a web address that begins with https://")
    if parts.username or parts.password:
        raise InputError("an address must not carry a user name or password")
    path = quote(parts.path or "/", safe="/%:@!$&'*+,;=~-._")
    query = "&".join(part for part in parts.query.split("&") if not _TRACKING_PARAMETER.match(part))
    host_and_port = f"{host}:{port}" if port else host
    return urlunsplit((parts.scheme, host_and_port, path, quote(query, safe="/%:@!$&'*+,;=~-._?"), ""))


def parse_paper_id(text: str) -> PaperId | None:
    """Parse a reference to a paper that a person typed. Returns None for any other text; never raises.

    Accepts an arXiv id, address or DOI, another web address, and one of our ids of papers outside arXiv,
    whose `url` is then empty. Angle brackets around it are ignored.
    """
    text = text.strip().strip("<>")
    if found := parse_arxiv_id(text):
        return found
    if re.fullmatch(r"web:[0-9a-f]{16}", text):
        return PaperId(text, "")
    if text.startswith(("http://", "https://")):
        try:
            return paper_id_of_address(text)
        except InputError:
            return None
    return None


MAX_NAMED_PAPERS = 200
"""References to papers that are read from one text."""

_MARKUP = re.compile(r"[\s<>|()\[\]{}\"“”„«»‹›`*，、。；]+")
_OUTER_SIGNS = "'‘’_~.,;:!?…—–-"
_EMBEDDED_ID = re.compile(
    rf"(?<![0-9])(?<![0-9]\.)(?P<id>{_NEW_ID})(?:v(?P<version>[1-9]\d{{0,3}}))?(?!\.?[0-9])"
)


def find_paper_ids(text: str) -> list[PaperId]:
    """Return the papers that a person's text names by address or id, at most `MAX_NAMED_PAPERS`.

    Signs and markup around a reference, such as brackets and stars, do not hide it, and neither do digits of
    full width or letters next to an id. Addresses of other pages are returned too, since any page may be that
    of a paper. An id within such an address comes before it. Each paper is returned once, in the order of
    the text.
    """
    found: dict[str, PaperId] = {}
    compatible = text if text.isascii() else unicodedata.normalize("NFKC", limit_combining_marks(text))
    for word in _MARKUP.split(compatible):
        for reference in _find_in_word(word.strip(_OUTER_SIGNS)):
            found.setdefault(reference.id, reference)
    return list(islice(found.values(), MAX_NAMED_PAPERS))


def _find_in_word(word: str) -> list[PaperId]:
    if named := parse_arxiv_id(word):
        return [named]
    embedded = [
        PaperId(
            hit["id"], f"https://arxiv.org/abs/{hit['id']}", int(hit["version"]) if hit["version"] else None
        )
        for hit in _EMBEDDED_ID.finditer(word)
    ]
    other = parse_paper_id(word)
    return [*embedded, other] if other else embedded
