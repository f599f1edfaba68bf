"""The catalog's data holds together: names point to things that exist, and what is priced is always sent."""

from collections import Counter
from datetime import date

import pytest

from adapters.capabilities import fit
from adapters.pricing import quote
from adapters.registry import DIALECTS, load_catalog
from adapters.schema import PARAMETERS, Input, MediaRequest, Message, Model, Offer, Role, Task

CATALOG = load_catalog()
OURS = "podium/"
READ_ON = date(2026, 11, 21)
"""The day on which the catalog was written: nothing in it may end before, or have been checked after."""

REAL_CARDS = [card for card in CATALOG.cards.values() if not card.stand_in]
REAL_OFFERS = [offer for card in REAL_CARDS for offer in card.offers]
ENDS = [pytest.param(offer, task, id=f"{offer.id} {task}") for offer in REAL_OFFERS for task in sorted(offer.tasks)]


def labels_of(model: Model) -> set[str]:
    """All that a model is called, as names are compared: without regard to capitals."""
    return {label.lower() for label in (model.id, *model.aliases)}


def plainest(offer: Offer, task: Task) -> MediaRequest:
    """The least that this task can be asked with."""
    inputs = [Input(role=role, asset="ast_1") for role, (least, _) in offer.inputs.items() for _ in range(least)]
    messages = (Message(role="user", content="What is a fox?"),) if task is Task.TEXT else ()
    return MediaRequest(task=task, prompt="a red fox in snow", messages=messages, inputs=tuple(inputs))


def test_at_least_forty_models_are_not_ours():
    assert len([model for model in CATALOG.models if not model.startswith(OURS)]) >= 40


def test_every_way_of_making_is_offered_by_some_real_provider():
    wanted = {Task.TEXT_TO_IMAGE, Task.IMAGE_EDIT, Task.INPAINT, Task.UPSCALE_IMAGE, Task.TEXT_TO_VIDEO}
    wanted |= {Task.IMAGE_TO_VIDEO, Task.UPSCALE_VIDEO, Task.TEXT}
    assert wanted <= {task for offer in REAL_OFFERS for task in offer.tasks}


@pytest.mark.parametrize(("provider", "least"), [("openai", 8), ("fal", 30), ("replicate", 15), ("together", 12)])
def test_each_provider_offers_enough(provider, least):
    assert len(CATALOG.cards[provider].offers) >= least


def test_no_label_names_two_models():
    labels = Counter(label for model in CATALOG.models.values() for label in labels_of(model))
    assert [label for label, times in labels.items() if times > 1] == []


def test_no_pointer_to_a_newest_hides_a_label():
    labels = {label for model in CATALOG.models.values() for label in labels_of(model)}
    pointers = {f"{model.family}-latest" for model in CATALOG.models.values() if model.family}
    assert pointers & labels == set()


def test_no_model_is_released_in_the_future():
    assert [model.id for model in CATALOG.models.values() if model.released and model.released > READ_ON] == []


def test_an_offer_does_only_what_its_model_does():
    wrong = [offer.id for offer in CATALOG.offers() if not offer.tasks <= CATALOG.models[offer.model].tasks]
    assert wrong == []


def test_what_differs_for_a_task_is_for_a_task_of_the_offer():
    assert [offer.id for offer in CATALOG.offers() if not set(offer.by_task) <= offer.tasks] == []


def test_an_offer_has_a_name_of_its_own():
    names = Counter(offer.id for offer in CATALOG.offers())
    assert [name for name, times in names.items() if times > 1] == []


def test_a_wire_name_means_one_model_for_a_provider_and_task():
    seen = Counter((o.provider, task, o.for_task(task).wire_id) for o in CATALOG.offers() for task in o.tasks)
    assert [place for place, times in seen.items() if times > 1] == []


def test_every_price_says_where_and_when_it_was_read():
    prices = [(offer, price) for offer in CATALOG.offers() for price in offer.prices]
    wrong = [offer.id for offer, price in prices if not price.source or not price.since <= price.checked <= READ_ON]
    assert wrong == []


def test_an_offer_without_a_price_says_why():
    assert [offer.id for offer in REAL_OFFERS if not offer.prices and not offer.unsure] == []


def test_most_of_what_is_offered_has_a_price():
    unpriced = [offer.id for offer in REAL_OFFERS if not offer.prices]
    assert len(unpriced) <= len(REAL_OFFERS) // 10, unpriced


def test_every_unit_is_listed():
    used = {rate.unit for offer in CATALOG.offers() for price in offer.prices for rate in price.rates}
    used |= {expectation.unit for offer in CATALOG.offers() for expectation in offer.expects}
    assert used <= CATALOG.units.keys()


def test_nothing_is_expected_that_has_no_rate():
    wrong = [
        f"{offer.id}: {expectation.unit}"
        for offer in CATALOG.offers()
        for expectation in offer.expects
        if offer.prices and expectation.unit not in {rate.unit for price in offer.prices for rate in price.rates}
    ]
    assert wrong == []


def test_what_changes_a_price_has_a_default_that_is_sent():
    wrong = []
    for offer in CATALOG.offers():
        conditions = [rate.when for price in offer.prices for rate in price.rates] + [e.when for e in offer.expects]
        for name in {name for when in conditions for name in when} - {"task"}:
            accepts = [offer.for_task(task).accepts.get(name) for task in offer.tasks]
            wrong += [f"{offer.id}: {name}" for accept in accepts if accept is None or accept.default is None]
    assert wrong == []


def test_time_and_words_are_always_bounded():
    """What is counted by seconds or tokens must have a default, or a request that leaves it out would be free."""
    needed = {"output_video_second": "duration_s", "output_token": "max_tokens"}
    wrong = []
    for offer in CATALOG.offers():
        bounded = {expectation.unit for expectation in offer.expects}
        units = {rate.unit for price in offer.prices for rate in price.rates} - bounded
        for name in {needed[unit] for unit in units & needed.keys()}:
            accepts = [offer.for_task(task).accepts.get(name) for task in offer.tasks]
            wrong += [f"{offer.id}: {name}" for accept in accepts if accept is None or accept.default is None]
    assert wrong == []


def test_a_default_is_one_of_the_values_accepted():
    wrong = []
    for offer in CATALOG.offers():
        for task in offer.tasks:
            for name, accept in offer.for_task(task).accepts.items():
                inside = accept.range is None or accept.default is None
                inside = inside or accept.range[0] <= float(accept.default) <= accept.range[1]
                listed = accept.enum is None or accept.default is None or accept.default in accept.enum
                wrong += [] if inside and listed else [f"{offer.id} {task}: {name}"]
    assert wrong == []


def test_only_known_words_are_accepted_and_spelled():
    known = {"prompt", *PARAMETERS, *Role}
    wrong = []
    for offer in CATALOG.offers():
        for task in offer.tasks:
            there = offer.for_task(task)
            wrong += [f"{offer.id}: {name}" for name in there.accepts if name not in PARAMETERS]
            own = DIALECTS[offer.dialect].FIELDS.keys()
            wrong += [f"{offer.id}: {name}" for name in there.fields if name not in known | own]
    assert wrong == []


def test_every_listed_value_can_be_spelled():
    wrong = []
    for offer in CATALOG.offers():
        for task in offer.tasks:
            there = offer.for_task(task)
            for name, field in there.fields.items():
                listed = there.accepts[name].enum if name in there.accepts else None
                if field.values is not None and listed is not None:
                    wrong += [
                        f"{offer.id} {task}: {name} {value}" for value in listed if str(value) not in field.values
                    ]
    assert wrong == []


def test_no_two_inputs_share_a_field():
    """The second would take the first one's place."""
    wrong = []
    for offer in CATALOG.offers():
        for task in offer.tasks:
            there = offer.for_task(task)
            names = Counter(there.fields[role].name for role in there.inputs if role in there.fields)
            wrong += [f"{offer.id} {task}: {name}" for name, times in names.items() if times > 1]
    assert wrong == []


def test_nothing_offered_has_ended():
    assert [offer.id for offer in CATALOG.offers() if offer.ends and offer.ends <= READ_ON] == []


def test_no_sandbox_in_disguise():
    assert [offer.id for offer in REAL_OFFERS if offer.model.startswith(OURS)] == []
    public = [card for card in REAL_CARDS if not card.needs_base_url]
    assert [card.name for card in public if not card.base_url.startswith("https://") or not card.key_env] == []
    stand_ins = [offer for card in CATALOG.cards.values() if card.stand_in for offer in card.offers]
    assert [offer.id for offer in stand_ins if not offer.model.startswith(OURS)] == []


@pytest.mark.parametrize(("offer", "task"), ENDS)
def test_the_plainest_request_fits_is_quoted_and_becomes_a_call(offer, task):
    there = offer.for_task(task)
    fitted = fit(plainest(there, task), there)
    assert fitted.reasons == ()
    assert fitted.adjustments == ()
    call = DIALECTS[offer.dialect].submit(fitted.request, there)
    assert call.url.startswith(("/", "{"))
    if offer.prices:
        assert 0 < quote(fitted.request, there, READ_ON).usd < 10
