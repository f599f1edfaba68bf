"""The labels of readings that mean no model of ours, as a list for the operator to settle. It settles nothing."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from router.feeds.readings import AnyReading, PlacesReading, subject_of
from router.names import Names, Unknown
from router.quality import Reading

LABELS_MOST = 10_000
"""Labels that one list holds: price lists name thousands of text models that we do not offer."""


NEAR_LABELS = 50
"""Labels, the first of the list, that near ids are sought for: 15 ms each, and nobody settles more at one sitting."""


class Unresolved(NamedTuple):
    """A label, where it stands (source and subject), whether a board ranks it, and ids that resemble it."""

    label: str
    seen_in: tuple[tuple[str, str], ...]
    is_ranked: bool
    near: tuple[str, ...]


def unresolved(readings: Iterable[AnyReading], names: Names, boards_only: bool = True) -> tuple[Unresolved, ...]:
    """Those on boards first, then those in most places. Labels of price lists and listings only if asked for."""
    seen: dict[str, set[tuple[str, str]]] = defaultdict(set)
    ranked = set[str]()
    for reading in readings:
        is_board = isinstance(reading, Reading | PlacesReading)
        if boards_only and not is_board:
            continue
        for row in reading.rows:
            if names.read_label(row.label).how == "unresolved":
                seen[row.label].add((reading.source, subject_of(reading)))
                ranked |= {row.label} if is_board else set()
    order = sorted(seen, key=lambda label: (label not in ranked, -len(seen[label]), label))[:LABELS_MOST]
    return tuple(
        Unresolved(
            label, tuple(sorted(seen[label])), label in ranked, _near(label, names) if place < NEAR_LABELS else ()
        )
        for place, label in enumerate(order)
    )


def _near(label: str, names: Names) -> tuple[str, ...]:
    found = names.resolve(label)
    return found.near if isinstance(found, Unknown) else ()
