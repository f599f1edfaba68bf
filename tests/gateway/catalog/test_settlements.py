"""What the operator settled comes first, whoever writes the label how, until it is taken back."""

import pytest

from adapters.schema import Model, Task
from gateway.catalog import settlements
from router.names import collect
from tests.readings import NOW

TASKS = frozenset({Task.TEXT_TO_IMAGE})
NAMES = collect([Model(id=f"a/{name}", name=name, maker="A", tasks=TASKS) for name in ("fox", "owl")], ())


@pytest.mark.anyio
async def test_the_last_word_on_a_label_counts_and_can_be_taken_back(database):
    for model in ("a/fox", "a/owl", None):
        await database.together(lambda connection, m=model: settlements.settle(connection, "Secret  Model", m, NOW))
        names = settlements.names_with(NAMES, await database.read(settlements.settled))
        assert names.read_label("secret model")[::2] == (model, "settled")
    [row] = await database.read(settlements.listing)
    assert (row["label"], row["model"], row["settled_at"]) == ("Secret  Model", None, NOW)
    assert await database.together(lambda connection: settlements.forget(connection, "secret MODEL"))
    assert not await database.together(lambda connection: settlements.forget(connection, "secret model"))
    names = settlements.names_with(names, await database.read(settlements.settled))
    assert names.read_label("secret model").how == "unresolved"


def test_a_settlement_of_a_model_that_left_the_catalog_is_no_settlement():
    assert settlements.names_with(NAMES, {"secret": "a/gone"}) is NAMES
    assert settlements.names_with(NAMES, {}) is NAMES


def test_what_was_read_before_a_settlement_is_read_anew():
    assert NAMES.resolve_label("fox") == "a/fox"
    assert settlements.names_with(NAMES, {"fox": "a/owl"}).resolve_label("fox") == "a/owl"
    assert NAMES.resolve_label("fox") == "a/fox"
