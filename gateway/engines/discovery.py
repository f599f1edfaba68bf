"""Looks for engines at the addresses that the operator names, and proposes cards for them. It enables none.

It asks with GET only and without any key, a few pages at a time, at usual ports of named hosts: it scans no range.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from adapters import fingerprints, inventories, workflows
from adapters.fingerprints import PORTS, PROBES, Fingerprint
from adapters.http import Clients, Shelf, answered
from adapters.inventories import FoundLora, Inventory
from adapters.registry import DIALECTS
from adapters.schema import Offer, ProviderCard
from adapters.wire import Call, Reply
from gateway import clock, settings as environment
from gateway.catalog.supply import Supply
from gateway.engines import proposals
from router.names import Names

HOME = "127.0.0.1"
HOSTS_MOST = 16
"""Hosts that are named one by one; whoever has more engines knows where they are."""
AT_ONCE = 8
CALL_S = 2.0
"""An engine on one's own network answers such a page in milliseconds; one that is starting is found the next time."""
REPLY_BYTES = 4 * 1024 * 1024
"""The longest page, vLLM's description of its own paths, has some hundred kB."""

_ADDRESS = re.compile(r"(?:http://)?(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_FIGURES = re.compile(r"[0-9.-]+")
_IPV4 = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}")
_UNHEARD = DIALECTS["fal"]
"""A dialect is asked only to hear a streamed reply, and none of these is one."""


class BadHost(ValueError):
    """What is no host, or not one; the message is a sentence."""


class Found(NamedTuple):
    """An address that answered. `engine` is None where nobody knows what it is; `card` is the text of a proposal."""

    address: str
    engine: str | None = None
    title: str | None = None
    version: str | None = None
    models: tuple[dict[str, str | None], ...] = ()
    loras: tuple[FoundLora, ...] = ()
    offers: tuple[str, ...] = ()
    enabled_as: str | None = None
    name: str | None = None
    variables: tuple[str, ...] = ()
    card: str | None = None

    def document(self) -> dict[str, Any]:
        return self._asdict() | {"loras": [each._asdict() for each in self.loras]}


def origins(hosts: Iterable[str]) -> tuple[str, ...]:
    """Where to ask: a host at every usual port, "host:port" there alone. Raises BadHost."""
    named = list(dict.fromkeys(hosts)) or [HOME]
    if len(named) > HOSTS_MOST:
        raise BadHost(f"{len(named)} hosts; at most {HOSTS_MOST} are asked")
    return tuple(origin for host in named for origin in _origins(host))


def _origins(host: str) -> list[str]:
    found = _ADDRESS.fullmatch(host.strip().rstrip("/"))
    is_range = found is not None and _FIGURES.fullmatch(found[1]) and not _IPV4.fullmatch(found[1])
    if found is None or is_range or int(found[2] or 1) not in range(1, 65_536):
        raise BadHost(f"{host[:100]!r} is no host, and no host:port; ranges of addresses are not searched")
    return [f"http://{found[1]}:{port}" for port in ([int(found[2])] if found[2] else PORTS)]


@dataclass(frozen=True)
class Searcher:
    """All that looking needs."""

    supply: Supply
    clients: Clients
    shelf: Shelf

    async def look(self, hosts: Iterable[str]) -> tuple[Found, ...]:
        """What answers at these hosts, in their order. Raises BadHost."""
        gate = asyncio.Semaphore(AT_ONCE)
        asked = origins(hosts)
        seen = await asyncio.gather(*[self._seen(origin, gate) for origin in asked])
        there = [(origin, pages) for origin, pages in zip(asked, seen, strict=True) if pages is not None]
        return tuple(self._proposed([await self._known(origin, pages) for origin, pages in there]))

    async def _seen(self, origin: str, gate: asyncio.Semaphore) -> dict[str, Reply] | None:
        """The pages that answered 200, by path; None where nobody listens."""
        first = PROBES[0]
        async with gate:
            reply = await self._get(origin, first)
            if reply is None and (reply := await self._get(origin, "/")) is None:
                return None
            replies = {path: await self._get(origin, path) for path in PROBES[1:]} | {first: reply}
        return {path: each for path, each in replies.items() if each is not None and each.status == 200}

    async def _get(self, origin: str, path: str) -> Reply | None:
        card = ProviderCard(
            name="found", title="found", dialect="fal", base_url=origin, timeout_s=CALL_S, offers=(),
        )  # fmt: skip
        call = Call(stage="discover", method="GET", url=path)
        return await answered(
            self.clients, card, _UNHEARD, call, None, self.shelf, now=clock.now(), most_bytes=REPLY_BYTES
        )

    async def _known(self, origin: str, pages: dict[str, Reply]) -> "_Known":
        found = fingerprints.recognised(pages)
        if found is None:
            return _Known(origin, None, "", Inventory())
        engine = found[0].engine
        replies = {call.url: await self._get(origin, call.url) for call in inventories.calls(engine)}
        told = {path: reply for path, reply in replies.items() if reply is not None and reply.status == 200}
        return _Known(origin, *found, inventories.read(engine, told))

    def _proposed(self, known: Iterable["_Known"]) -> Iterable[Found]:
        """Each with a card, of a name that no other has: a second engine of a kind is a provider of its own."""
        counts: dict[str, int] = {}
        for each in known:
            if each.fingerprint is None:
                yield Found(each.origin)
                continue
            engine = each.fingerprint.engine
            counts[engine] = counts.get(engine, 0) + 1
            yield self._found(each, each.fingerprint, counts[engine])

    def _found(self, known: "_Known", fingerprint: Fingerprint, number: int) -> Found:
        engine, inventory, names = fingerprint.engine, known.inventory, self.supply.names
        ours = self.supply.catalog.cards[engine]
        offers = proposals.offers_here(ours, inventory, names)
        name = engine if number == 1 else f"{engine}-{number}"
        address = known.origin + fingerprint.suffix
        card = ours.model_copy(update={"base_url": address, "offers": offers, "name": name})
        variables = environment.base_url_variable(card), environment.usd_per_hour_variable(card)
        models = tuple({"name": each, "model": _model(each, offers, names)} for each in inventory.models)
        about = _about(inventory, [each["name"] or "" for each in models if each["model"] is None])
        text = proposals.card_text(card, name, known.origin, variables, about, clock.now().date()) if offers else None
        return Found(
            known.origin, engine, ours.title, known.version or None, models, inventory.loras,
            tuple(f"{name}/{offer.model}" for offer in offers), self._enabled_as(known.origin), name, variables, text,
        )  # fmt: skip

    def _enabled_as(self, origin: str) -> str | None:
        """The provider of ours that is at this address already."""
        used = (card for card in self.supply.cards.values() if not card.needs_base_url)
        return next((card.name for card in used if f"{card.base_url}/".startswith(f"{origin}/")), None)


class _Known(NamedTuple):
    origin: str
    fingerprint: Fingerprint | None
    version: str
    inventory: Inventory


def _model(name: str, offers: Iterable[Offer], names: Names) -> str | None:
    """Our model that a name there means: by an offer that goes by it, or loads it, else by all names of models."""
    for offer in offers:
        tasks = [offer.for_task(task) for task in offer.tasks]
        loaded = {file for each in tasks for file in workflows.weights(each).values()}
        if name in loaded | {each.wire_id for each in tasks}:
            return offer.model
    stem = re.sub(r"\.[a-z]+$", "", name.replace("\\", "/").rpartition("/")[2])
    return names.resolve_label(name) or names.resolve_label(stem)


def _about(inventory: Inventory, unknown: list[str]) -> list[str]:
    loras = [f"{each.name} (of {each.base})" if each.base else each.name for each in inventory.loras]
    told: Mapping[str, list[str]] = {"LoRAs there": loras, "Models there that Podium does not know": unknown}
    return [f"{what}: {_some(each)}" for what, each in told.items() if each]


def _some(names: list[str]) -> str:
    more = len(names) - proposals.LISTED_MOST
    return ", ".join(names[: proposals.LISTED_MOST]) + (f", and {more} more" if more > 0 else "")
