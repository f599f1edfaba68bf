"""Replicate's own Python client against the simulated API: runs by model and by version, files, a refusal, a cancel.

Run as `python tests/sdks/replicate.py http://127.0.0.1:PORT`.
"""

import io
import os
import sys

os.environ["REPLICATE_POLL_INTERVAL"] = "0.01"
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [place for place in sys.path if place != here]  # this file has the client's own name

import replicate  # noqa: E402 - the path comes first
from replicate.exceptions import ModelError, ReplicateError  # noqa: E402

SIMULATORS = ("replicate",)

client = replicate.Client(api_token="r8_simulated", base_url=sys.argv[1])
VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"


def refusal(call):
    """The error with which a call is refused."""
    try:
        call()
    except (ReplicateError, ModelError) as error:
        return error
    raise AssertionError("not refused")


# An official model by its name, which waits in one call.
pictures = client.run("black-forest-labs/flux-schnell", input={"prompt": "a cat", "num_outputs": 2})
assert len(pictures) == 2, pictures

# Any other model by a version; the client looks its schema up.
assert client.run(f"owner/name:{VERSION}", input={"prompt": "a cat"})

# A prediction, asked for until it ends.
prediction = client.predictions.create(
    version=VERSION, input={"prompt": "a cat"}, webhook="https://me.example/h", webhook_events_filter=["completed"]
)
assert prediction.status == "starting"
prediction.wait()
assert prediction.status == "succeeded" and prediction.metrics["predict_time"] == 1.25, prediction

# A file goes up by itself, and its link into the input.
picture = io.BytesIO(b"PNG")
picture.name = "a.png"
made = client.models.predictions.create("black-forest-labs/flux-kontext-pro", {"prompt": "x", "input_image": picture})
assert made.status == "starting"

# A refusal has no code, only words.
failure = refusal(lambda: client.run("black-forest-labs/flux-schnell", input={"prompt": "a cat [refuse]"}))
assert "NSFW" in str(failure), failure
assert refusal(lambda: client.run("black-forest-labs/flux-schnell", input={"seed": 1})).status == 422
stranger = replicate.Client(api_token="no", base_url=sys.argv[1])
assert refusal(lambda: stranger.run("black-forest-labs/flux-schnell", input={"prompt": "x"})).status == 401

# A cancel, and the list.
slow = client.models.predictions.create("black-forest-labs/flux-schnell", {"prompt": "a cat [slow]"})
assert client.predictions.cancel(slow.id).status == "canceled"
assert len(client.predictions.list().results) >= 5
assert client.webhooks.default.secret().key.startswith("whsec_")
