"""Amazon Bedrock's Converse, as boto3 speaks to it: the same signatures as for pictures, words in and out."""

import re
from typing import Any
from urllib.parse import unquote

from tests.simulators.bedrock import ACCESS, SECRET, refused, unproven
from tests.simulators.checks import Check, bare_base64, faults, listed, number, shaped, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Simulated, World

MODELS = ("us.amazon.nova-micro-v1:0", "us.amazon.nova-lite-v1:0", "us.amazon.nova-pro-v1:0")
MOST_TOKENS = 10_000
ANSWER = "A fox is a small wild dog."
READ, WRITTEN = 40, 8
"""Tokens, whatever the words were."""

PICTURE = shaped(
    {"format": words("png", "jpeg", "gif", "webp"), "source": shaped({"bytes": bare_base64}, ("bytes",))},
    ("format", "source"),
)


def part(value: Any) -> bool:
    return shaped({"text": text(10**6)}, ("text",))(value) or shaped({"image": PICTURE}, ("image",))(value)


FIELDS: dict[str, Check] = {
    "messages": listed(
        shaped({"role": words("user", "assistant"), "content": listed(part, 1, 20)}, ("role", "content")), 1, 1_000
    ),
    "system": listed(shaped({"text": text(10**6)}, ("text",)), 1, 20),
    "inferenceConfig": shaped({"maxTokens": whole(1, MOST_TOKENS), "temperature": number(0, 1), "topP": number(0, 1)}),
}


def respond(ask: Ask, world: World) -> Answer:
    if not (ask.method == "POST" and re.fullmatch(r"/model/[^/]+/converse", ask.path)):
        return refused(404, "UnknownOperationException", "no such path")
    if complaint := unproven(ask):
        return complaint
    if unquote(ask.path.split("/")[2]) not in MODELS:
        return refused(404, "ResourceNotFoundException", "The provided model identifier is invalid.")
    body = ask.json
    if wrong := faults(body, FIELDS, ("messages",)):
        return refused(400, "ValidationException", f"The value at {wrong[0]} is not valid")
    return _answered(body, world)


def _answered(body: dict[str, Any], world: World) -> Answer:
    last = body["messages"][-1]
    if last["role"] != "user":
        return refused(400, "ValidationException", "The last message must be the user's")
    run = world.begin(" ".join(each.get("text", "") for each in last["content"]), body)
    if run.wants("nonsense"):
        return Answer(200, HTML, {"content-type": "text/html"})
    if run.wants("fail"):
        return refused(424, "ModelErrorException", "The model returned an error.")
    is_refused = run.wants("refuse")
    return Answer(
        200,
        {
            "output": {"message": {"role": "assistant", "content": [] if is_refused else [{"text": ANSWER}]}},
            "stopReason": "content_filtered" if is_refused else "end_turn",
            "usage": {"inputTokens": READ, "outputTokens": WRITTEN, "totalTokens": READ + WRITTEN},
            "metrics": {"latencyMs": 400},
        },
    )


SIMULATED = Simulated(
    dialect="bedrock_converse",
    provider="bedrock",
    key=f"{ACCESS}:{SECRET}",
    job={"task": "text", "model": "amazon/nova-pro", "max_tokens": 64},
    respond=respond,
    turns=1,
    cost_usd="0.0000576",
    throttled=Answer(
        429, {"message": "Too many tokens."}, {"x-amzn-errortype": "ThrottlingException", "retry-after": "1"}
    ),
    broken=refused(500, "InternalServerException", "The system encountered an unexpected error."),
)
