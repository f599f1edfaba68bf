"""Every value that an offer accepts makes a body that its vendor, as simulated, takes: card and dialect against it."""

import base64
import importlib
import json

import pytest

from adapters.registry import DIALECTS, load_catalog
from adapters.schema import Input
from adapters.wire import ASSET_KEY
from tests.adapters.test_conformance import fitted, wishes
from tests.simulators import media
from tests.simulators.bedrock import API_KEY
from tests.simulators.server import Ask, World

PICTURE = base64.b64encode(media.picture()).decode()
PROOFS = {
    "ark_images": "Bearer ark-0123456789abcdef", "ark_video": "Bearer ark-0123456789abcdef",
    "dashscope": "Bearer sk-dashscope0123456789", "dashscope_sync": "Bearer sk-dashscope0123456789",
    "bedrock": f"Bearer {API_KEY}",
}  # fmt: skip
OFFERS = [
    (offer.for_task(task), task)
    for name in ("byteplus", "dashscope", "dashscope-cn", "bedrock")
    for offer in load_catalog().cards[name].offers
    for task in sorted(offer.tasks)
    if offer.dialect in PROOFS
]


def filled(value):
    """A body with each asset's place taken by a picture."""
    if isinstance(value, list):
        return [filled(each) for each in value]
    if not isinstance(value, dict):
        return value
    if ASSET_KEY in value:
        return PICTURE if value["form"] == "base64" else f"data:image/png;base64,{PICTURE}"
    return {name: filled(each) for name, each in value.items()}


def as_many_as_can_be(offer) -> list[Input]:
    return [Input(role=role, asset=f"ast_{n}") for role, (_, high) in offer.inputs.items() for n in range(high)]


@pytest.mark.parametrize(("offer", "task"), OFFERS, ids=[f"{offer.id} {task}" for offer, task in OFFERS])
def test_the_vendor_takes_all_that_the_card_accepts(offer, task):
    respond = importlib.import_module(f"tests.simulators.{offer.dialect}").SIMULATED.respond
    asked = [{}, {"inputs": as_many_as_can_be(offer)}]
    asked += [wish for name, accept in offer.accepts.items() for wish in wishes(name, accept, offer)]
    for wish in asked:
        call = DIALECTS[offer.dialect].submit(fitted(offer, task, **wish), offer)
        headers = {"authorization": PROOFS[offer.dialect]} | call.headers
        ask = Ask("POST", call.url, "", headers, json.dumps(filled(call.json_body)).encode(), "http://here")
        answer = respond(ask, World())
        assert answer.status == 200, (wish, answer.body)
