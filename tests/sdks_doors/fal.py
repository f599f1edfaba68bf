"""fal's own Python client at our fal door: submit, subscribe, run, stream, upload, cancel, and every kind of refusal.

Run as `python tests/sdks_doors/fal.py http://127.0.0.1:PORT KEY POOR_KEY CAPPED_KEY`, where the second key has no
money, and the third a budget that is spent. The client has no base url: its constants are moved.
"""

import asyncio
import os
import sys
import tempfile
import urllib.request

import fal_client
from fal_client import client as module

base, key, poor, capped = sys.argv[1:]
module.QUEUE_URL_FORMAT = f"{base}/fal/"
module.RUN_URL_FORMAT = f"{base}/fal/run/"
module.REST_URL = module.CDN_URL = f"{base}/fal"
module.MAX_ATTEMPTS = 1
client = fal_client.SyncClient(key=key)
PICTURES, CLIPS = "podium/sandbox-pictures", "podium/sandbox-clips"


def refusal(call):
    """The error with which a call is refused."""
    try:
        call()
    except fal_client.FalClientHTTPError as error:
        return error
    raise AssertionError("not refused")


def bytes_at(link):
    with urllib.request.urlopen(link) as answer:
        return answer.read()


# A picture by subscription, with every update of its status seen, and its logs.
seen = []
asked = {"prompt": "a red fox", "image_size": {"width": 256, "height": 128}, "num_images": 2, "seed": 7}
made = client.subscribe(PICTURES, asked, with_logs=True, on_queue_update=seen.append)
assert isinstance(seen[-1], fal_client.Completed) and seen[-1].logs[-1]["source"] == "USER", seen
assert seen[-1].metrics["inference_time"] > 0 and seen[-1].error is None
assert [(each["width"], each["height"]) for each in made["images"]] == [(256, 128)] * 2, made
assert made["seed"] == 7 and made["prompt"] == "a red fox" and made["has_nsfw_concepts"] == [False, False]
assert bytes_at(made["images"][0]["url"])[:4] == b"\x89PNG"

# Submitted, asked for by the handle and by the id; without logs they are null.
handle = client.submit(PICTURES, {"prompt": "a fox", "image_size": "square"}, priority="low", start_timeout=30)
assert client.status(PICTURES, handle.request_id).__class__.__name__ in ("Queued", "InProgress")
image = handle.get()["images"][0]
assert (image["width"], image["content_type"]) == (512, "image/png")
status = client.status(PICTURES, handle.request_id)
assert isinstance(status, fal_client.Completed) and status.logs is None
assert client.result(PICTURES, handle.request_id)["images"][0]["file_name"] == image["file_name"]

# Run, by `auto` and with a wish of ours; a clip by frames.
assert client.run("podium/auto", {"prompt": "a fox", "podium": {"only": [PICTURES]}})["images"]
framed = {"prompt": "a fox", "num_frames": 25, "fps": 24, "resolution": "360p"}
clip = client.run(CLIPS, framed, timeout=60)["video"]
assert clip["content_type"] == "video/mp4" and b"ftyp" in bytes_at(clip["url"])[:12], clip

# An upload in each of the ways there are, and an edit and a clip of what was uploaded.
picture = bytes_at(image["url"])
links = [client.upload(picture, "image/png", repository=each) for each in ("fal_v3", "fal")]
with tempfile.TemporaryDirectory() as folder:
    place = os.path.join(folder, "fox.png")
    with open(place, "wb") as file:
        file.write(picture)
    links.append(client.upload_file(place))
assert all(bytes_at(link) == picture for link in links), links
module.MULTIPART_THRESHOLD, module.MULTIPART_CHUNK_SIZE = 1_000, len(picture) // 6  # what is larger goes up in parts
with tempfile.TemporaryDirectory() as folder:
    place = os.path.join(folder, "fox.png")
    with open(place, "wb") as file:
        file.write(picture)
    in_parts = [client.upload(picture, "image/png"), client.upload_file(place)]
assert all("/fal/files/ast_" in link and bytes_at(link) == picture for link in in_parts), in_parts
assert refusal(lambda: client.upload(picture, "video/mp4", fallback_repository=[])).status_code == 422
assert client.run(f"{PICTURES}/edit", {"prompt": "a blue fox", "image_url": in_parts[0]})["images"]
edited = client.run(f"{PICTURES}/edit", {"prompt": "a blue fox", "image_urls": links[:2]})
assert edited["images"][0]["width"] == 512, edited
moved = client.run(f"{CLIPS}/image-to-video", {"prompt": "it runs", "image_url": links[1], "duration": "1"})
assert moved["video"]["url"]
inline = fal_client.encode(picture, "image/png")
assert client.run(PICTURES, {"image_url": inline, "scale": 2})["image"]["width"] == 1024

# A stream: the words of a text as they come.
events = list(client.stream("podium/sandbox-words", {"prompt": "a fox"}))
assert len(events) > 3 and events[0]["partial"] and not events[-1]["partial"], events[-1]
assert events[-1]["output"].startswith(events[-2]["output"][:5])

# A cancel, and one that comes too late.
slow = client.submit(CLIPS, {"prompt": "a long clip", "duration": 10})
slow.cancel()
ended = client.status(CLIPS, slow.request_id)
assert isinstance(ended, fal_client.Completed) and ended.error_type == "client_cancelled", ended
assert refusal(slow.get).status_code == 499
late = refusal(handle.cancel)
assert late.status_code == 400 and late.response.json() == {"status": "ALREADY_COMPLETED"}

# Refusals: a wrong value at its place, a failed run, a model nobody knows, a stranger, no money, no budget, a webhook.
wrong = refusal(lambda: client.submit(PICTURES, {"prompt": "a fox", "num_images": "many"}))
assert wrong.status_code == 422 and wrong.response.json()["detail"][0]["loc"] == ["body", "num_images"], wrong
assert refusal(lambda: client.submit(PICTURES, {"prompt": "x", "sync_mode": True})).status_code == 422
assert refusal(lambda: client.submit(PICTURES, {"prompt": "x", "num_images": 9})).status_code == 422
assert refusal(lambda: client.submit("fal-ai/nothing", {"prompt": "x"})).status_code == 404
assert refusal(lambda: fal_client.SyncClient(key="no").submit(PICTURES, {"prompt": "x"})).status_code == 401
broke = refusal(lambda: fal_client.SyncClient(key=poor).submit(PICTURES, {"prompt": "x"}))
assert broke.status_code == 402 and broke.error_type == "insufficient_funds", broke
over = refusal(lambda: fal_client.SyncClient(key=capped).submit(PICTURES, {"prompt": "x"}))
assert over.status_code == 402 and over.error_type == "over_budget", over
assert refusal(lambda: fal_client.SyncClient(key=poor).status(PICTURES, handle.request_id)).status_code == 404


async def asynchronous():
    """The other client."""
    there = fal_client.AsyncClient(key=key)
    made = await there.subscribe(PICTURES, {"prompt": "a fox", "image_size": "square"})
    assert made["images"][0]["height"] == 512
    assert "/fal/files/ast_" in await there.upload(picture, "image/png")
    assert [event async for event in there.stream("podium/sandbox-words", {"prompt": "a fox"})]


asyncio.run(asynchronous())
