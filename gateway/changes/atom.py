"""Changes as an Atom feed (RFC 4287). Pure: rows in, text out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

MIME = "application/atom+xml"
NAMESPACE = "http://www.w3.org/2005/Atom"
EMPTY_UPDATED = "1970-01-01T00:00:00Z"
"""A feed must say when it was last changed; one without entries never was."""


def feed(rows: Sequence[Mapping[str, Any]], url: str) -> str:
    """Views of changes, newest first, as a document. `url` is where the feed is."""
    root = ElementTree.Element("feed", xmlns=NAMESPACE)
    _add(root, "id", "urn:podium:changes")
    _add(root, "title", "Podium: changes of models, offers and prices")
    _add(root, "updated", rows[0]["at"] if rows else EMPTY_UPDATED)
    ElementTree.SubElement(root, "link", rel="self", href=url, type=MIME)
    author = ElementTree.SubElement(root, "author")
    _add(author, "name", "Podium")
    for row in rows:
        _entry(root, row)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _entry(root: ElementTree.Element, row: Mapping[str, Any]) -> None:
    entry = ElementTree.SubElement(root, "entry")
    _add(entry, "id", f"urn:podium:{row['id']}")
    _add(entry, "title", title(row))
    _add(entry, "updated", row["at"])
    ElementTree.SubElement(entry, "category", term=row["kind"])
    _add(entry, "summary", row["evidence"])


def title(row: Mapping[str, Any]) -> str:
    """One line: what, which, and how it was before."""
    came = f" (was {row['before']})" if row["before"] else ""
    return f"{row['subject']}: {row['kind']}: {row['after'] or ''}{came}"


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    """Characters that XML cannot hold, which a board's label may have, are left out."""
    ElementTree.SubElement(parent, name).text = "".join(each for each in text if each.isprintable() or each in "\n\t")


def moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
