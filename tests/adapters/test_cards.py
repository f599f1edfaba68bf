"""Every card of the catalog is sound, and editors check cards by the schema that the code means."""

from adapters.registry import CATALOG_DIR, card_schema, load_catalog


def test_the_catalog_loads_and_every_provider_offers_something():
    catalog = load_catalog()
    assert catalog.models and catalog.units
    assert all(card.offers for card in catalog.cards.values())


def test_the_schema_for_editors_is_that_of_the_code():
    written = (CATALOG_DIR / "schema.json").read_text(encoding="utf-8")
    assert written == card_schema(), "write it again: make cards"
