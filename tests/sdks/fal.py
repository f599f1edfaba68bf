"""fal's own Python client against the simulated queue: submit, wait, fetch; a refusal; a cancel; an upload by address.

Run as `python tests/sdks/fal.py http://127.0.0.1:PORT`. The client has no base url: its constants are moved.
"""

import sys
import urllib.request

import fal_client
from fal_client import client as module

SIMULATORS = ("fal",)

base = sys.argv[1]
module.QUEUE_URL_FORMAT = module.RUN_URL_FORMAT = base + "/"
module.REST_URL = module.CDN_URL = base
client = fal_client.SyncClient(key="fal-id:fal-secret")


def refusal(call):
    """The error with which a call is refused."""
    try:
        call()
    except fal_client.FalClientHTTPError as error:
        return error
    raise AssertionError("not refused")


# A run, with every update of its status seen.
seen = []
asked = {"prompt": "a cat", "image_size": {"width": 64, "height": 32}}
made = client.subscribe("fal-ai/flux/dev", asked, with_logs=True, on_queue_update=seen.append)
assert {type(update).__name__ for update in seen} >= {"Queued", "InProgress", "Completed"}, seen
assert (made["images"][0]["width"], made["images"][0]["height"]) == (64, 32), made
with urllib.request.urlopen(made["images"][0]["url"]) as picture:
    assert picture.read(4) == b"\x89PNG"

# A refusal comes with the result.
refused = refusal(lambda: client.subscribe("fal-ai/flux/dev", {"prompt": "a cat [refuse]"}))
assert refused.status_code == 422 and refused.response.json()["detail"][0]["type"] == "content_policy_violation"

# A failed run is COMPLETED with an error, and the result answers it.
handle = client.submit("fal-ai/flux/dev", {"prompt": "a cat [fail]"})
while not isinstance(status := handle.status(), fal_client.Completed):
    pass
assert status.error_type == "runner_disconnected", status
assert refusal(handle.get).status_code == 503

# A cancel, by the handle, seen by the id.
kling = "fal-ai/kling-video/v3/pro/text-to-video"
handle = client.submit(kling, {"prompt": "a cat [slow]", "duration": "5"})
handle.cancel()
assert isinstance(client.status(kling, handle.request_id), fal_client.Completed)

# A wrong type and a wrong key are refused at once.
assert refusal(lambda: client.submit(kling, {"prompt": "a cat", "duration": 5})).status_code == 422
stranger = fal_client.SyncClient(key="no")
assert refusal(lambda: stranger.submit("fal-ai/flux/dev", {"prompt": "a cat"})).status_code == 401

# An upload to a signed address, and its link taken as an input.
link = client.upload(b"RIFF", "audio/wav", "a.wav", repository="fal")
assert client.submit("fal-ai/flux/dev", {"prompt": "x", "audio_url": link}).request_id
