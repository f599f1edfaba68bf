"""What Bedrock's transcripts do not tell: names in paths, the list of models, words of several messages."""

import json

from adapters.dialects import bedrock, bedrock_converse
from adapters.registry import load_catalog
from adapters.schema import MediaRequest
from adapters.wire import Lists, Reply

CARD = load_catalog().cards["bedrock"]
UPSCALER = next(offer for offer in CARD.offers if "upscale-image" in offer.tasks)
WORDS = next(offer for offer in CARD.offers if offer.dialect == "bedrock_converse")


def test_a_name_is_one_part_of_the_path():
    offer = WORDS.model_copy(update={"wire_id": "a/b:c?d"})
    assert bedrock_converse.submit(MediaRequest(task="text", prompt="hi"), offer).url == "/model/a%2Fb:c%3Fd/converse"


def test_an_upscaler_is_given_no_words():
    request = MediaRequest(task="upscale-image", prompt="sharp", inputs=[{"role": "source", "asset": "ast_1"}])
    assert "prompt" not in bedrock.submit(request, UPSCALER).json_body


def test_the_list_of_models_is_on_another_host():
    assert isinstance(bedrock, Lists)
    call = bedrock.list_models()
    assert call.url.startswith("{control}/") and "control" in CARD.hosts
    body = {"modelSummaries": [{"modelId": "stability.x", "modelName": "X"}]}
    assert bedrock.read_models(call, Reply(200, {}, json.dumps(body).encode())).models[0].wire_id == "stability.x"


def test_messages_keep_their_order_and_the_systems_words_go_apart():
    said = [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello."), ("user", "Bye")]
    messages = [{"role": role, "content": content} for role, content in said]
    body = bedrock_converse.submit(MediaRequest(task="text", messages=messages), WORDS).json_body
    assert body["system"] == [{"text": "Be brief."}]
    assert [(each["role"], each["content"][0]["text"]) for each in body["messages"]] == said[1:]
