"""What means nothing to us is listed for the operator, boards first."""

from datetime import UTC, datetime

from adapters.schema import Model, Task
from router.feeds.readings import ListingReading, ListingRow, Place, PlacesReading
from router.names import collect
from router.unresolved import unresolved

NOW = datetime(2026, 8, 22, 6, tzinfo=UTC)
MODEL = Model(id="google/veo-9", name="Veo 9", maker="Google", tasks={Task.TEXT_TO_VIDEO}, family="google/veo")
NAMES = collect([MODEL], [], {"dismissed": None})


def top(board, *labels):
    rows = tuple(Place(label=label, rank=1, rating=1.0) for label in labels)
    return PlacesReading(source="arena", board=board, task=Task.TEXT_TO_VIDEO, taken_at=NOW, attribution="A", rows=rows)


LISTED = ListingReading(
    source="p", taken_at=NOW, rows=tuple(ListingRow(label=each, provider="p") for each in ("only-listed", "ranked"))
)
READINGS = [top("arena/x", "veo-9-1080p", "ranked", "veo-99", "dismissed"), top("arena/y", "ranked"), LISTED]


def test_labels_of_boards_come_first_and_those_in_most_places_before_the_rest():
    listed = unresolved(READINGS, NAMES, boards_only=False)
    assert [(each.label, each.is_ranked) for each in listed] == [
        ("ranked", True), ("veo-99", True), ("only-listed", False),
    ]  # fmt: skip
    assert listed[0].seen_in == (("arena", "arena/x/top"), ("arena", "arena/y/top"), ("p", "listing"))


def test_price_lists_are_left_out_unless_asked_for_and_near_ids_are_shown():
    ranked, near = unresolved(READINGS, NAMES)
    assert ranked.seen_in == (("arena", "arena/x/top"), ("arena", "arena/y/top"))
    assert near.near == ("google/veo-9",)


def test_the_order_of_readings_does_not_matter():
    assert unresolved(READINGS[::-1], NAMES, boards_only=False) == unresolved(READINGS, NAMES, boards_only=False)
