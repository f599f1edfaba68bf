"""The tables of docs/providers.md, from the cards: models, tasks, units, prices, when checked, and what is unsure."""

from collections.abc import Iterable

from adapters.registry import Catalog
from adapters.schema import Offer, Price, ProviderCard, Rate, Value


def provider_page(catalog: Catalog) -> str:
    cards = [card for _, card in sorted(catalog.cards.items())]
    return "\n".join([*_overview(cards), "", *(line for card in cards for line in _section(card, catalog))]).rstrip()


def _overview(cards: list[ProviderCard]) -> list[str]:
    offers = [offer for card in cards for offer in card.offers]
    priced = sum(bool(offer.prices) for offer in offers)
    rows = [
        f"| [{card.title}](#{card.name}) | {len(card.offers)} | {_listed(sorted(_modalities(card)))} | "
        f"{_listed(f'`{dialect}`' for dialect in sorted({offer.dialect for offer in card.offers}))} |"
        for card in cards
    ]
    head = [f"{len(offers)} offers on {len(cards)} providers, {priced} of them priced.", ""]
    return [*head, "| provider | offers | makes | dialects |", "| --- | --- | --- | --- |", *rows]


def _modalities(card: ProviderCard) -> set[str]:
    return {task.modality.value for offer in card.offers for task in offer.tasks}


def _section(card: ProviderCard, catalog: Catalog) -> list[str]:
    key = f"Key: `{card.key_env}`. " if card.key_env else "Needs no key. "
    hooks = f"Webhooks: {card.callbacks.replace('_', ' ')}. " if card.callbacks else ""
    unsure = f"\n\nUnsure: {_cell(card.unsure)}." if card.unsure else ""
    rows = [_row(offer, catalog) for offer in sorted(card.offers, key=lambda offer: offer.model)]
    heading = f'<a id="{card.name}"></a>\n\n## {card.title}'
    table = ["| model | tasks | price | checked | unsure |", "| --- | --- | --- | --- | --- |", *rows]
    return [heading, "", f"`{card.name}` at {card.base_url}. {key}{hooks}".rstrip() + unsure, "", *table, ""]


def _row(offer: Offer, catalog: Catalog) -> str:
    price = max(offer.prices, key=lambda each: each.since, default=None)
    cells = (
        f"{catalog.models[offer.model].name} (`{offer.model}`)" + (f", ends {offer.ends}" if offer.ends else ""),
        _listed(sorted(offer.tasks)),
        _price(price, catalog) if price else "none",
        str(price.checked) if price else "",
        _listed(each for each in (offer.unsure, price.unsure if price else None) if each),
    )
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _price(price: Price, catalog: Catalog) -> str:
    return "; ".join(_rate(rate, catalog) for rate in price.rates)


def _rate(rate: Rate, catalog: Catalog) -> str:
    per = "" if rate.per == 1 else f"{rate.per:,f} × "
    only = ", ".join(f"{name} {' or '.join(map(_word, values))}" for name, values in rate.when.items())
    return f"${rate.usd:f} per {per}{catalog.units[rate.unit].title}" + (f" ({only})" if only else "")


def _word(value: Value) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _cell(text: str) -> str:
    """No bar and no line break may end a cell early."""
    return " ".join(text.replace("|", "\\|").split())
