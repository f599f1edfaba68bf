"""Luma's own Python client against the simulated Dream Machine: make, look, fetch; refusals; the list; a deletion.

Run as `python tests/sdks/luma.py http://127.0.0.1:PORT`.
"""

import sys
import urllib.request

import lumaai

SIMULATORS = ("luma",)

base = sys.argv[1]
client = lumaai.LumaAI(auth_token="luma-0123456789abcdef", base_url=base, max_retries=0)


def ended(generation):
    """The generation as it is when it is over."""
    for _ in range(3):
        if generation.state in ("completed", "failed"):
            return generation
        generation = client.generations.get(generation.id)
    return generation


def refused(kind, make, **asked):
    """The error of this kind with which a call ends."""
    try:
        made = make(**asked)
    except kind as error:
        return error
    raise AssertionError(f"{asked} was taken: {made}")


# A picture to a clip, from one frame to another.
frames = {name: {"type": "image", "url": f"https://example.com/{name}.png"} for name in ("frame0", "frame1")}
asked = {"model": "ray-2", "prompt": "a cat", "resolution": "540p", "duration": "5s", "keyframes": frames}
made = ended(client.generations.video.create(**asked))
assert made.state == "completed" and made.generation_type == "video", made
with urllib.request.urlopen(made.assets.video) as clip:
    assert clip.read(8)[4:] == b"ftyp"

# A picture, with references of each kind.
made = ended(
    client.generations.image.create(
        model="photon-1",
        prompt="a cat",
        aspect_ratio="16:9",
        format="png",
        image_ref=[{"url": "https://example.com/a.png", "weight": 0.5}],
        style_ref=[{"url": "https://example.com/b.png"}],
        character_ref={"identity0": {"images": ["https://example.com/c.png"]}},
    )
)
with urllib.request.urlopen(made.assets.image) as picture:
    assert picture.read(4) == b"\x89PNG"

# Moderation and failure are told by words.
for word, reason in (("refuse", "moderation"), ("fail", "Internal error")):
    failed = ended(client.generations.create(model="ray-flash-2", prompt=f"a cat [{word}]"))
    assert failed.state == "failed" and reason in failed.failure_reason, failed

# Wrong bodies are refused at once: a length as a number, a picture that is no link, no words.
photo = {"keyframes": {"frame0": {"type": "image", "url": "data:image/png;base64,aGk="}}}
for wrong in ({"duration": 5}, photo, {"prompt": ""}):
    asked = {"model": "ray-2", "prompt": "a cat"} | wrong
    assert refused(lumaai.BadRequestError, client.generations.video.create, **asked).body["detail"]

# A wrong key.
stranger = lumaai.LumaAI(auth_token="no", base_url=base)
assert refused(lumaai.AuthenticationError, stranger.credits.get).status_code == 401

# The list, and a deletion.
listed = client.generations.list(limit=2, offset=1)
assert listed.has_more and listed.generations[0].id == made.id, listed
client.generations.delete(made.id)
assert refused(lumaai.NotFoundError, client.generations.get, id=made.id).status_code == 404
