"""Google's own Python client against the simulated Gemini API: words, pictures, a talk, clips, refusals, the list.

Run as `python tests/sdks/google.py http://127.0.0.1:PORT`.
"""

import base64
import contextlib
import struct
import sys
import urllib.error
import urllib.request
import zlib

sys.path.pop(0)  # this file has the name of the client

from google import genai
from google.genai import errors, types

SIMULATORS = ("gemini", "google_interactions")
KEY = "google-key-0123456789"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


HEADER = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
PIXEL = chunk(b"IHDR", HEADER) + chunk(b"IDAT", zlib.compress(b"\0\0\0\0")) + chunk(b"IEND", b"")
PICTURE = b"\x89PNG\r\n\x1a\n" + PIXEL

base = sys.argv[1]
client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=base))
older = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=base, api_version="v1beta"))
FOX = "a fox in snow"


def failure(client, **asked):
    """The error with which a call ends."""
    try:
        made = client.models.generate_content(**asked)
    except errors.ClientError as error:
        return error
    raise AssertionError(f"{asked} was taken: {made}")


# A picture from words and a picture.
asked = types.GenerateContentConfig(
    response_modalities=["TEXT", "IMAGE"], image_config=types.ImageConfig(aspect_ratio="16:9", image_size="2K")
)
seen = types.Part.from_bytes(data=PICTURE, mime_type="image/png")
for each in (client, older):
    made = each.models.generate_content(model="gemini-3.1-flash-image", contents=[FOX, seen], config=asked)
    [picture] = [part.inline_data for part in made.candidates[0].content.parts if part.inline_data]
    assert picture.mime_type == "image/png" and picture.data[:4] == b"\x89PNG", picture
    assert made.usage_metadata.candidates_tokens_details[0].modality == "IMAGE", made.usage_metadata
    assert made.candidates[0].finish_reason == "STOP"

# Words in pieces, with thoughts that are not shown.
rules = types.GenerateContentConfig(system_instruction="be brief", max_output_tokens=50, temperature=0.5, seed=3)
pieces = list(client.models.generate_content_stream(model="gemini-3.8-flash", contents=[FOX, seen], config=rules))
assert "".join(piece.text or "" for piece in pieces) == "A fox in snow.", pieces
assert pieces[-1].usage_metadata.thoughts_token_count == 4

# Refusals are answers.
blocked = client.models.generate_content(model="gemini-3.8-flash", contents=f"{FOX} [refuse]")
assert blocked.prompt_feedback.block_reason == "PROHIBITED_CONTENT" and not blocked.candidates, blocked
kept = client.models.generate_content(model="gemini-3.1-flash-image", contents=f"{FOX} [refuse]")
assert kept.candidates[0].finish_reason == "IMAGE_SAFETY" and kept.candidates[0].content is None, kept

# Errors.
strange = genai.Client(api_key="another", http_options=types.HttpOptions(base_url=base))
assert failure(client, model="gemini-1.0-ultra", contents=FOX).status == "NOT_FOUND"
throttled = failure(client, model="gemini-3.8-flash", contents=f"{FOX} [throttle]")
assert (throttled.code, throttled.status) == (429, "RESOURCE_EXHAUSTED"), throttled
assert "API key" in failure(strange, model="gemini-3.8-flash", contents=FOX).message

# The list.
assert "models/gemini-3.8-flash" in {model.name for model in older.models.list()}

# A picture by the other interface, at once.
form = {"type": "image", "aspect_ratio": "16:9", "image_size": "2K", "mime_type": "image/png"}
made = client.interactions.create(model="gemini-3.1-flash-image", input=FOX, response_format=form)
assert made.status == "completed" and base64.b64decode(made.output_image.data)[:4] == b"\x89PNG", made
refused = client.interactions.create(model="gemini-3.1-flash-image", input=f"{FOX} [refuse]", response_format=form)
assert refused.status == "failed", refused

# A clip in the background, from a picture; and its file, which wants the key.
form = {"type": "video", "aspect_ratio": "16:9", "resolution": "720p", "duration": "4s", "delivery": "uri"}
words = [
    {"type": "text", "text": FOX},
    {"type": "image", "data": base64.b64encode(PICTURE).decode(), "mime_type": "image/png"},
]
begun = client.interactions.create(
    model="gemini-omni-1.1-flash", input=words, response_format=form, background=True, store=True
)
assert begun.status == "in_progress", begun
for _ in range(3):
    begun = client.interactions.get(begun.id)
assert begun.status == "completed" and begun.output_video.mime_type == "video/mp4", begun
assert begun.usage.output_tokens_by_modality[0].modality == "video", begun.usage
clip = client.files.download(file=begun.output_video.uri)
assert clip[4:8] == b"ftyp", clip[:16]
name = begun.output_video.uri.partition("/files/")[2]
with contextlib.suppress(urllib.error.HTTPError):
    urllib.request.urlopen(f"{base}/v1/files/{name}")
    raise AssertionError("the file is open to all")

# A clip under way can be stopped.
begun = client.interactions.create(
    model="gemini-omni-1.1-flash", input=f"{FOX} [slow]", response_format=form, background=True, store=True
)
assert client.interactions.cancel(begun.id).status == "cancelled"
