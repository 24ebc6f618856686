"""Parser for untrusted XML: no document type, no entities, no network, no huge documents."""

import re

from lxml import etree

from digests.errors import SourceError

_INVALID_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def parse_xml(body: bytes, server: str) -> "etree._Element":
    """Parse a response and return its root element. `server` is the name in error messages.

    Malformed XML is parsed again as UTF-8, with invalid bytes replaced and forbidden characters removed.
    Raises SourceError if that fails too, and for XML with a document type.
    """
    try:
        root = etree.fromstring(body, _build_parser())
    except etree.XMLSyntaxError:
        root = _parse_repaired_xml(body, server)
    if root.getroottree().docinfo.internalDTD is not None:
        raise SourceError(
            f"{server} answered XML with a document type, which is not accepted: try again later."
        )
    return root


def _build_parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )


def _parse_repaired_xml(body: bytes, server: str) -> "etree._Element":
    text = _INVALID_CHARACTERS.sub("", _DECLARATION.sub("", body.decode("utf-8-sig", "replace")))
    try:
        return etree.fromstring(text, _build_parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(
            f"{server} answered incomplete or malformed XML ({str(error)[:120]}): try again later."
        ) from None
