"""Luma's own Python client for its Agents API against the simulated one: make, edit, animate; refusals.

Run as `python tests/sdks/luma_agents.py http://127.0.0.1:PORT`.
"""

import os
import sys
import urllib.request

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [place for place in sys.path if place != here]  # this file has the client's own name

import luma_agents  # noqa: E402

SIMULATORS = ("luma_agents",)

base = sys.argv[1]
client = luma_agents.Luma(auth_token="luma-agents-0123456789abcdef", base_url=base, max_retries=0)
LINK = {"url": "https://example.com/a.png"}
BYTES = {"data": "iVBORw0KGgo=", "media_type": "image/png"}


def ended(**asked):
    """The generation as it is when it is over."""
    generation = client.generations.create(**asked)
    for _ in range(3):
        if generation.state in ("completed", "failed"):
            break
        generation = client.generations.get(generation.id)
    return generation


def refused(kind, make, **asked):
    """The error of this kind with which a call ends."""
    try:
        made = make(**asked)
    except kind as error:
        return error
    raise AssertionError(f"{asked} was taken: {made}")


# Words and references to a picture; a picture to another.
made = ended(
    prompt="a cat", model="uni-1", type="image", aspect_ratio="3:1", output_format="png", image_ref=[LINK, BYTES]
)
with urllib.request.urlopen(made.output[0].url) as picture:
    assert picture.read(4) == b"\x89PNG"
made = ended(prompt="a hat", model="uni-1-max", type="image_edit", source=BYTES, image_ref=[LINK], web_search=False)
assert made.state == "completed" and made.output[0].type == "image", made

# From one frame to another, ten seconds long.
video = {"resolution": "360p", "duration": "10s", "keyframes": [LINK, BYTES], "keyframe_indexes": [0, 240]}
made = ended(prompt="waves", model="ray-3.2", type="video", aspect_ratio="16:9", video=video)
assert made.state == "completed" and made.output[0].type == "video", made

# Moderation and failure have codes.
for word, code in (("refuse", "content_moderated"), ("fail", "generation_failed")):
    failed = ended(prompt=f"a cat [{word}]", model="uni-1")
    assert (failed.state, failed.failure_code) == ("failed", code), failed

# Wrong bodies are refused at once: a length as a number, places without frames, a start frame of a long clip.
for wrong in ({"duration": 5}, {"keyframe_indexes": [0]}, {"duration": "10s", "start_frame": LINK}):
    asked = {"prompt": "waves", "model": "ray-3.2", "type": "video", "video": wrong}
    assert refused(luma_agents.BadRequestError, client.generations.create, **asked).body["detail"]

# A wrong key.
stranger = luma_agents.Luma(auth_token="no", base_url=base)
assert refused(luma_agents.AuthenticationError, stranger.generations.get, generation_id="g1").status_code == 401
