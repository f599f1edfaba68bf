"""BytePlus' own Python client against the simulated Ark: a picture, a clip, the list of tasks, a cancel, refusals.

Run as `python tests/sdks/byteplus.py http://127.0.0.1:PORT`.
"""

import sys
import time
import urllib.request

from byteplussdkarkruntime import Ark
from byteplussdkarkruntime._exceptions import ArkAPIError, ArkBadRequestError

SIMULATORS = ("ark_images", "ark_video")
KEY = "ark-0123456789abcdef"
PNG = "data:image/png;base64,iVBORw0KGgo="

ark = Ark(api_key=KEY, base_url=sys.argv[1], max_retries=0)
SEEDREAM, SEEDANCE = "seedream-4-5-251128", "seedance-1-5-pro-251215"


def refusal(call):
    """The error with which a call is refused."""
    try:
        call()
    except ArkAPIError as error:
        return error
    raise AssertionError("not refused")


# A picture, by its link.
made = ark.images.generate(model=SEEDREAM, prompt="a cat", size="2048x2048", watermark=False, response_format="url")
assert (made.data[0].size, made.usage.generated_images) == ("2048x2048", 1), made
with urllib.request.urlopen(made.data[0].url) as picture:
    assert picture.read(3) == b"\xff\xd8\xff"
ark.images.generate(
    model=SEEDREAM, prompt="at night", image=[PNG, PNG], size="2K", sequential_image_generation="disabled"
)

# A refusal stands in the place of the picture; one pixel too few is refused at once.
refused = ark.images.generate(model=SEEDREAM, prompt="a cat [refuse]", size="2K")
assert refused.data[0].error["code"] == "OutputImageSensitiveContentDetected", refused
assert isinstance(
    refusal(lambda: ark.images.generate(model=SEEDREAM, prompt="a cat", size="512x512")), ArkBadRequestError
)

# A clip: created, running, succeeded, listed.
tasks = ark.content_generation.tasks


def ended(id):
    while (task := tasks.get(task_id=id)).status in ("queued", "running"):
        time.sleep(0.01)
    return task


words = {"type": "text", "text": "a fox"}
frame = {"type": "image_url", "image_url": {"url": PNG}, "role": "first_frame"}
created = tasks.create(model=SEEDANCE, content=[words, frame], resolution="480p", ratio="adaptive", duration=4)
assert tasks.get(task_id=created.id).status == "running"
clip = ended(created.id)
assert (clip.status, clip.usage.completion_tokens > 0) == ("succeeded", True), clip
with urllib.request.urlopen(clip.content.video_url) as video:
    assert video.read(8)[4:] == b"ftyp"
assert [each.id for each in tasks.list(page_num=1, page_size=10).items] == [created.id]

# What was refused, what failed, and a string where a number belongs.
refused = ended(tasks.create(model=SEEDANCE, content=[words | {"text": "a fox [refuse]"}]).id)
assert (refused.status, refused.error.code) == ("failed", "OutputVideoSensitiveContentDetected"), refused
assert ended(tasks.create(model=SEEDANCE, content=[words | {"text": "a fox [fail]"}]).id).status == "failed"
assert refusal(lambda: tasks.create(model=SEEDANCE, content=[words], duration="5")).code == "InvalidParameter"

# A queued task can be canceled, one that runs cannot.
queued = tasks.create(model=SEEDANCE, content=[words | {"text": "a fox [slow]"}])
assert tasks.get(task_id=queued.id).status == "queued"
tasks.delete(task_id=queued.id)
assert tasks.get(task_id=queued.id).status == "cancelled"
assert refusal(lambda: tasks.delete(task_id=created.id)).status_code == 400

# A wrong key.
stranger = Ark(api_key="no", base_url=sys.argv[1], max_retries=0)
assert refusal(lambda: stranger.images.generate(model=SEEDREAM, prompt="a cat")).status_code == 401
