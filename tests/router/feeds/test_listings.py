"""A provider's own list is a reading of its ids, page by page."""

import json
from datetime import UTC, datetime

import pytest

from adapters.wire import Call, Listing, Listings, Reply
from router.feeds import listings
from router.feeds.readings import Unreadable, joined, subject_of

NOW = datetime(2026, 8, 22, 6, tzinfo=UTC)


class Pages:
    """A protocol that lists ids, with the next page's path."""

    def list_models(self):
        return Call(stage="list", method="GET", url="/models")

    def read_models(self, call, reply):
        document = reply.json()
        following = document.get("next")
        models = tuple(Listing(wire_id=each) for each in document["ids"])
        return Listings(models, call.model_copy(update={"url": following}) if following else None)


def page(**document):
    return listings.read(
        "maker", Pages(), listings.request(Pages()), Reply(200, {}, json.dumps(document).encode()), NOW
    )


def test_pages_are_joined_into_one_listing():
    first, last = page(ids=["a", "b"], next="/models?page=2"), page(ids=["b", "c"])
    assert first.next is not None and first.next.url == "/models?page=2"
    (whole,) = joined((*first.readings, *last.readings))
    assert [(row.label, row.provider) for row in whole.rows] == [("a", "maker"), ("b", "maker"), ("c", "maker")]
    assert (whole.source, subject_of(whole)) == ("maker", "listing")


def test_a_list_without_models_is_refused_and_an_empty_page_before_another_is_not():
    assert page(ids=[], next="/models?page=2").readings == ()
    with pytest.raises(Unreadable, match="without a single model"):
        page(ids=[])
