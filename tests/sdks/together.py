"""Together's own Python client against the simulated API: a clip, frames, a refusal, a picture and words.

Run as `python tests/sdks/together.py http://127.0.0.1:PORT`.
"""

import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [place for place in sys.path if place != here]  # this file has the client's own name

import together  # noqa: E402 - the path comes first

SIMULATORS = ("together_video", "openai_images", "openai_chat")

client = together.Together(api_key="sk-simulated", base_url=sys.argv[1], max_retries=1)
LITE = "ByteDance/Seedance-1.0-lite"


def ended(video):
    """The job as it is when it has ended."""
    while video.status in ("queued", "in_progress"):
        video = client.videos.retrieve(video.id)
    return video


# A clip: created, asked for, linked, and what it cost.
video = ended(client.videos.create(model=LITE, prompt="a fox", seconds="5", width=1248, height=704, seed=7))
assert video.status == "completed" and video.outputs.cost == 0.14, video
assert video.outputs.video_url.startswith(sys.argv[1]), video

# From a frame.
frame = {"input_image": "data:image/png;base64,aGk=", "frame": "first"}
assert ended(client.videos.create(model=LITE, prompt="a fox", media={"frame_images": [frame]})).status == "completed"

# A refusal stands at the end; a failure too.
refused = ended(client.videos.create(model=LITE, prompt="a fox [refuse]"))
assert refused.status == "failed" and "moderation" in refused.error.message, refused
assert ended(client.videos.create(model=LITE, prompt="a fox [fail]")).status == "failed"

# A length as a number, and a wrong key.
for wrong, status in (
    (lambda: client.videos.create(model=LITE, prompt="a fox", seconds=5), 400),
    (lambda: client.with_options(api_key="no").videos.create(model=LITE, prompt="a fox"), 401),
):
    try:
        wrong()
    except together.APIStatusError as error:
        code = error.status_code
    else:
        code = 200
    assert code == status, (code, status)

# A picture and words, on the paths of version 1.
picture = client.images.generate(
    model="black-forest-labs/FLUX.2-pro", prompt="a cat", width=64, height=32, response_format="base64"
)
assert picture.data[0].b64_json, picture
words = client.chat.completions.create(model="zai-org/GLM-5.3", messages=[{"role": "user", "content": "hi"}])
assert words.choices[0].message.content == "An onion"
