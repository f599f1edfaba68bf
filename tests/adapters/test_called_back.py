"""Where the protocols that name it in the submit's body put our address, and which of their submits take none."""

import pytest

from adapters.registry import DIALECTS, load_catalog
from adapters.schema import Input, MediaRequest, Task

CATALOG = load_catalog()
HERE = "https://here.example/in?token=x"


def called_back(provider: str, model: str, task: Task):
    """The plain submit of an offer, and the same with our address."""
    offer = next(each for each in CATALOG.cards[provider].offers if each.model == model).for_task(task)
    given = [Input(role=role, asset="ast_1") for role, (least, _) in offer.inputs.items() for _ in range(least)]
    dialect = DIALECTS[offer.dialect]
    call = dialect.submit(MediaRequest(task=task, prompt="an onion", inputs=tuple(given)), offer)
    return call, dialect.called_back(call, HERE)


@pytest.mark.parametrize(
    ("provider", "model", "task", "name"),
    [
        ("black-forest-labs", "black-forest-labs/flux-2-pro", Task.TEXT_TO_IMAGE, "webhook_url"),
        ("kling", "kuaishou/kling-3.0", Task.TEXT_TO_VIDEO, "callback_url"),
        ("kling", "kuaishou/kling-image-3.0", Task.TEXT_TO_IMAGE, "callback_url"),
        ("minimax", "minimax/hailuo-2.3", Task.IMAGE_TO_VIDEO, "callback_url"),
        ("minimax", "minimax/h3", Task.TEXT_TO_VIDEO, "callback_url"),
    ],
)
def test_our_address_is_one_more_word_of_the_body(provider, model, task, name):
    call, told = called_back(provider, model, task)
    assert told.json_body == call.json_body | {name: HERE}
    assert told == call.model_copy(update={"json_body": told.json_body})


def test_our_address_is_one_more_part_of_a_form():
    call, told = called_back("ideogram", "ideogram/ideogram-3.0", Task.INPAINT)
    assert [part.model_dump(exclude_defaults=True) for part in told.form if part not in call.form] == [
        {"name": "webhook_url", "value": HERE}
    ]


@pytest.mark.parametrize(
    ("provider", "model", "task"),
    [
        ("black-forest-labs", "black-forest-labs/flux-3-video", Task.TEXT_TO_VIDEO),
        ("minimax", "minimax/image-01", Task.TEXT_TO_IMAGE),
        ("minimax", "minimax/speech-2.6-hd", Task.TEXT_TO_SPEECH),
    ],
)
def test_a_submit_that_knows_no_such_word_stays_as_it_is(provider, model, task):
    call, told = called_back(provider, model, task)
    assert told == call
