"""Replicate's own Python client at our Replicate door: runs, predictions, files, models, streams and refusals.

Run as `python tests/sdks_doors/replicate.py http://127.0.0.1:PORT KEY POOR_KEY CAPPED_KEY`, where the second key has no
money, and the third a budget that is spent.
"""

import io
import os
import sys

os.environ["REPLICATE_POLL_INTERVAL"] = "0.05"
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [place for place in sys.path if place != here]  # this file has the client's own name

import asyncio  # noqa: E402 - the path comes first

import httpx  # noqa: E402
import replicate  # noqa: E402
from replicate.exceptions import ModelError, ReplicateError  # noqa: E402
from replicate.helpers import FileOutput  # noqa: E402

base, key, poor, capped = sys.argv[1:]
PICTURES, CLIPS, WORDS = "podium/sandbox-pictures", "podium/sandbox-clips", "podium/sandbox-words"


def client_of(token):
    return replicate.Client(api_token=token, base_url=f"{base}/replicate")


client = client_of(key)


def refusal(call):
    """The error with which a call is refused."""
    try:
        call()
    except (ReplicateError, ModelError) as error:
        return error
    raise AssertionError("not refused")


def file_at(link):
    """A link as the client wraps the links of a gateway with a certificate."""
    return FileOutput(link, client)


# A run by name waits in one call, and answers with files; one that makes a single clip answers with one.
pictures = client.run(PICTURES, input={"prompt": "a red fox", "num_outputs": 2, "width": 256, "height": 128})
assert len(pictures) == 2 and all(file_at(link).read()[:4] == b"\x89PNG" for link in pictures), pictures
clip = client.run(CLIPS, input={"prompt": "a fox", "duration": 1, "resolution": "360p"}, wait=1)
assert b"ftyp" in b"".join(file_at(clip))[:12], clip
assert client.run("podium/auto", input={"prompt": "a fox", "podium": {"only": [PICTURES]}})
assert "sandbox" in "".join(client.run(WORDS, input={"prompt": "a fox"}))

# A model, its schema, and a run by its version.
model = client.models.get(PICTURES)
inputs = model.latest_version.openapi_schema["components"]["schemas"]["Input"]["properties"]
assert inputs["num_outputs"]["maximum"] == 4 and inputs["prompt"]["type"] == "string", inputs
assert model.versions.get(model.latest_version.id).id == model.latest_version.id
assert [each.id for each in model.versions.list()] == [model.latest_version.id]
assert client.run(f"{PICTURES}:{model.latest_version.id}", input={"prompt": "a fox"})
page = client.models.list()
assert len(page.results) == 100 and page.next and client.models.list(page.next).results
assert PICTURES in [each.id for each in client.models.search("sandbox pictures")]

# A prediction, asked for until it ends; what was asked is said again.
asked = {"prompt": "a fox", "output_format": "jpeg", "seed": 7}
prediction = client.predictions.create(version=model.latest_version.id, input=asked)
assert prediction.status == "starting" and prediction.input == asked, prediction
prediction.wait()
assert prediction.status == "succeeded" and prediction.metrics["predict_time"] > 0, prediction
assert prediction.model == PICTURES and file_at(prediction.output[0]).read()[:3] == b"\xff\xd8\xff"
assert client.predictions.get(prediction.id).completed_at == prediction.completed_at
assert prediction.id in [each.id for each in client.predictions.list().results]
waited = client.models.predictions.create(PICTURES, {"prompt": "a fox"}, wait=20)
assert waited.status == "succeeded", waited

# A file goes up by itself and by hand; it is an input, is found, listed and forgotten.
picture = io.BytesIO(file_at(pictures[0]).read())
picture.name = "fox.png"
edited = client.run(PICTURES, input={"prompt": "a blue fox", "image": picture})
assert len(edited) == 1, edited
file = client.files.create(picture, filename="fox.png")
assert client.files.get(file.id).size == len(picture.getvalue()) and file.content_type == "image/png"
assert file.id in [each.id for each in client.files.list()]
asked = {"prompt": "it runs", "image": file.urls["get"], "duration": 1}
moved = client.models.predictions.create(CLIPS, asked, wait=30)
assert moved.status in ("succeeded", "starting"), moved
assert client.files.delete(file.id) and refusal(lambda: client.files.get(file.id)).status == 404
inline = client.models.predictions.create(PICTURES, {"prompt": "x", "image": picture}, file_encoding_strategy="base64")
inline.wait()
assert inline.status == "succeeded", inline

# A stream of words, and a cancel.
words = [str(event) for event in client.stream(WORDS, input={"prompt": "a fox"})]
assert len(words) > 3 and "sandbox" in "".join(words), words
slow = client.models.predictions.create(CLIPS, {"prompt": "a long clip", "duration": 10})
slow.cancel()
assert slow.status == "canceled" and client.predictions.cancel(prediction.id).status == "succeeded"

assert client.webhooks.default.secret().key.startswith("whsec_")

# Refusals: a wrong value by its field, unknown models and versions, a stranger, no money, no budget, another's.
wrong = refusal(lambda: client.run(PICTURES, input={"prompt": "a fox", "num_outputs": "many"}))
assert (wrong.status, wrong.title) == (422, "Input validation failed") and "input.num_outputs" in wrong.detail, wrong
assert refusal(lambda: client.run(PICTURES, input={"prompt": "a fox", "disable_safety_checker": True})).status == 422
assert refusal(lambda: client.run("nobody/nothing", input={"prompt": "a fox"})).status == 404
assert refusal(lambda: client.run(f"{PICTURES}:{'0' * 64}", input={"prompt": "a fox"})).status == 422
assert refusal(lambda: client_of("no").run(PICTURES, input={"prompt": "a fox"})).status == 401
broke = refusal(lambda: client_of(poor).run(PICTURES, input={"prompt": "a fox"}))
assert (broke.status, broke.title) == (402, "Insufficient credit"), broke
assert refusal(lambda: client_of(capped).run(PICTURES, input={"prompt": "a fox"})).status == 402
assert refusal(lambda: client_of(poor).predictions.get(prediction.id)).status == 404
assert refusal(lambda: client_of(poor).files.get(file.id)).status == 404


async def asynchronous():
    """The same client's other half."""
    made = await client.async_run(PICTURES, input={"prompt": "a fox"})
    assert await file_at(made[0]).aread()


asyncio.run(asynchronous())


# Behind a certificate outputs are files by themselves. Here a transport stands for it.
class Certified(httpx.HTTPTransport):
    def handle_request(self, request):
        request.url = httpx.URL(str(request.url).replace("https://podium.test", base))
        answer = super().handle_request(request)
        if "application/json" not in answer.headers.get("content-type", ""):
            return answer
        answer.read()
        said = answer.content.replace(b"http://podium.test", b"https://podium.test")
        return httpx.Response(answer.status_code, content=said, headers={"content-type": "application/json"})


certified = replicate.Client(api_token=key, base_url="https://podium.test/replicate", transport=Certified())
(output,) = certified.run(PICTURES, input={"prompt": "a fox"})
assert isinstance(output, FileOutput) and output.read()[:4] == b"\x89PNG"
assert b"".join(output)[:4] == b"\x89PNG"
