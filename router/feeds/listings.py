"""A provider's own list of models as a reading: what its dialect read from it, page by page."""

from collections.abc import Iterable
from datetime import datetime

from adapters.wire import Call, Listing, Listings, Lists, Reply
from router.feeds.readings import ListingReading, ListingRow, Page, Unreadable
from router.feeds.replies import body_of, filled


def request(dialect: Lists) -> Call:
    return dialect.list_models()


def read(provider: str, dialect: Lists, call: Call, reply: Reply, now: datetime) -> Page:
    """One page. Raises Unreadable, or what `adapters.wire.understand` catches, for what is no such list."""
    body_of(reply)
    page: Listings = dialect.read_models(call, reply)
    if not page.models and page.next is None:
        raise Unreadable("the list arrived without a single model")
    readings = (reading_of(provider, page.models, now),) if page.models else ()
    return Page(readings, page.next)


def reading_of(provider: str, models: Iterable[Listing], now: datetime) -> ListingReading:
    """Models as a provider lists them, under its own ids. Raises Unreadable if there are none."""
    rows = [
        ListingRow(label=model.wire_id, provider=provider, name=model.name, released=model.created) for model in models
    ]
    return ListingReading(source=provider, taken_at=now, rows=tuple(filled(rows)))
