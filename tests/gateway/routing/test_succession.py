"""What answers about a model that ends say in their headers, and which names are pins."""

from datetime import date

import pytest

from gateway.routing import succession
from router.names import collect
from router.retirement import Life, Stage
from tests.supplies import make_supply

DAY, ENDS = date(2026, 11, 1), date(2027, 5, 7)


def life(stage, ends=None):
    return Life(stage=stage, since=DAY, evidence="said", ends=ends)


@pytest.mark.parametrize("stage", set(Stage) - {Stage.DEPRECATED, Stage.RETIRED})
def test_what_does_not_end_says_nothing(stage):
    assert succession.headers(life(stage), "acme/two") == {}


def test_the_headers_are_as_their_standards_write_them():
    assert succession.headers(life(Stage.DEPRECATED, ENDS), "acme/two") == {
        "deprecation": "@1793491200",
        "sunset": "Fri, 07 May 2027 00:00:00 GMT",
        "link": '</v1/models/acme/two>; rel="successor-version"',
    }
    assert succession.headers(life(Stage.DEPRECATED), None) == {"deprecation": "@1793491200"}
    assert succession.headers(life(Stage.RETIRED), None)["sunset"] == "Sun, 01 Nov 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("name", "pinned"),
    [
        ("openai/gpt-image-2", True),
        (" OpenAI/GPT-Image-2 ", True),
        ("azure/openai/gpt-image-2", True),
        ("fal/gpt-image-2", True),
        ("gpt-image-2", False),
        ("google/veo-latest", False),
        ("auto", False),
        ("nothing of the kind", False),
    ],
)
def test_our_own_ids_are_pins_and_every_other_name_may_move(monkeypatch, tmp_path, name, pinned):
    catalog = make_supply(monkeypatch, tmp_path).catalog
    names = collect(catalog.models.values(), catalog.offers())
    assert succession.is_pinned(name, names.resolve(name), names) is pinned
