"""Changes as an Atom feed that a reader takes."""

from xml.etree import ElementTree

from gateway.changes import atom
from gateway.changes.routes import wants_atom

ATOM = "{http://www.w3.org/2005/Atom}"
ROW = {
    "id": "chg_1", "kind": "retired", "subject": "a <model> & more\x00", "before": "active", "after": "retired",
    "evidence": "seen", "at": "2026-11-21T00:00:00Z",
}  # fmt: skip


def test_an_entry_has_all_that_the_standard_asks():
    root = ElementTree.fromstring(atom.feed([ROW], "http://test/v1/changes"))
    (entry,) = root.findall(f"{ATOM}entry")
    assert root.findtext(f"{ATOM}updated") == ROW["at"] and root.findtext(f"{ATOM}id")
    assert entry.findtext(f"{ATOM}title") == "a <model> & more: retired: retired (was active)"
    assert entry.findtext(f"{ATOM}id") == "urn:podium:chg_1" and entry.findtext(f"{ATOM}updated") == ROW["at"]


def test_a_feed_without_entries_is_a_feed():
    assert ElementTree.fromstring(atom.feed([], "http://test")).findtext(f"{ATOM}updated") == atom.EMPTY_UPDATED


def test_who_names_atom_first_gets_it():
    assert wants_atom("application/atom+xml") and wants_atom("text/html, application/atom+xml;q=0.9, */*")
    assert not wants_atom("*/*") and not wants_atom("") and not wants_atom("application/json, application/atom+xml")
