"""A card's hosts: where a call on one of them goes, and how a link to one is kept without its address. Pure."""

from pydantic import JsonValue

from adapters.schema import ProviderCard
from adapters.wire import Pending, Progress


class BadLink(ValueError):
    """A link that is not followed: no http or https, a name and password in it, or a host that the card lacks."""


def placed(card: ProviderCard, url: str) -> str | None:
    """The address of a url that begins with "/" or "{name}/", or None for one of another kind. Raises BadLink."""
    if url.startswith("/"):
        return card.base_url.rstrip("/") + url
    if not url.startswith("{"):
        return None
    name, _, path = url[1:].partition("}")
    if name not in card.hosts or not path.startswith("/"):
        raise BadLink(f"{card.name} has no host {name[:100]!r}")
    return card.hosts[name].rstrip("/") + path


def shortened(card: ProviderCard, progress: Progress) -> Progress:
    """Links on the card's hosts are kept without them, so that a stored call survives a move of those hosts."""
    if not isinstance(progress, Pending):
        return progress
    named = [("", card.base_url), *((f"{{{name}}}", url) for name, url in card.hosts.items())]
    places = sorted(((name, url.rstrip("/")) for name, url in named), key=lambda place: -len(place[1]))

    def short(value: JsonValue) -> JsonValue:
        found = ((name, url) for name, url in places if isinstance(value, str) and value.startswith(url + "/"))
        return next((name + str(value)[len(url) :] for name, url in found), value)

    call = progress.call
    memo = {name: short(value) for name, value in call.memo.items()}
    return progress.model_copy(update={"call": call.model_copy(update={"url": short(call.url), "memo": memo})})
