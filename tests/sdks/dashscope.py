"""Alibaba's own Python client against the simulated DashScope: a clip, pictures as a task and at once, refusals.

Run as `python tests/sdks/dashscope.py http://127.0.0.1:PORT`.
"""

import sys
import urllib.request

# This file has the client's own name, and its folder is first on the path.
sys.path = sys.path[1:]

import dashscope  # noqa: E402

SIMULATORS = ("dashscope", "dashscope_sync")
KEY = "sk-dashscope0123456789"
PNG = "https://example.com/a.png"

dashscope.base_http_api_url = sys.argv[1]
dashscope.api_key = KEY
Video, Picture, Words = dashscope.VideoSynthesis, dashscope.ImageSynthesis, dashscope.MultiModalConversation

# A clip: created, running, succeeded.
asked = {"resolution": "720P", "ratio": "16:9", "duration": 2, "prompt_extend": False, "watermark": False, "seed": 7}
task = Video.async_call("wan2.7-t2v", "a fox", negative_prompt="dog", **asked)
assert (task.status_code, task.output.task_status) == (200, "PENDING"), task
assert Video.fetch(task).output.task_status == "RUNNING"
clip = Video.wait(task)
assert (clip.output.task_status, clip.usage["duration"]) == ("SUCCEEDED", 2), clip
with urllib.request.urlopen(clip.output.video_url) as video:
    assert video.read(8)[4:] == b"ftyp"

# From a first frame, in the list that newer models take.
media = [{"type": "first_frame", "url": PNG}]
task = Video.async_call("wan2.7-i2v", "a fox", media=media, resolution="720P", duration=2)
assert task.status_code == 200, task

# A refusal and a failure are the ends of tasks; what is missing is UNKNOWN, in a 200.
assert Video.wait(Video.async_call("wan2.7-t2v", "a fox [refuse]")).output["code"] == "DataInspectionFailed"
assert Video.wait(Video.async_call("wan2.7-t2v", "a fox [fail]")).output.task_status == "FAILED"
gone = Video.fetch("no-such-task")
assert (gone.status_code, gone.output.task_status) == (200, "UNKNOWN"), gone

# Only a task that is pending can be canceled.
slow = Video.async_call("wan2.7-t2v", "a fox [slow]")
assert Video.cancel(slow).status_code == 200
assert Video.fetch(slow).output.task_status == "CANCELED"
assert Video.cancel(task).code == "UnsupportedOperation"

# What is written otherwise than the vendor writes it.
assert Video.async_call("wan2.7-t2v", "a fox", resolution="720p").code == "InvalidParameter"
assert Video.async_call("wan2.6-t2v", "a fox", size="1280x720").code == "InvalidParameter"
assert Video.async_call("wan2.6-t2v", "a fox", size="1280*720", duration=5).status_code == 200

# Pictures as a task.
made = Picture.call("wan2.5-t2i-preview", "a cat", n=2, size="1280*1280")
assert [bool(each.url) for each in made.output.results] == [True, True], made

# Pictures at once.
message = {"role": "user", "content": [{"text": "a cat"}]}
made = Words.call("qwen-image-2.0", messages=[message], size="1328*1328", n=2, watermark=False, prompt_extend=False)
assert made.status_code == 200, made
links = [part["image"] for part in made.output.choices[0].message.content]
with urllib.request.urlopen(links[1]) as picture:
    assert picture.read(4) == b"\x89PNG"
assert made.usage["image_count"] == 2
edit = {"role": "user", "content": [{"image": PNG}, {"text": "at night"}]}
assert Words.call("qwen-image-2.0-pro", messages=[edit]).status_code == 200
refused = Words.call("qwen-image-2.0", messages=[{"role": "user", "content": [{"text": "a cat [refuse]"}]}])
assert (refused.status_code, refused.code) == (400, "DataInspectionFailed"), refused
assert Words.call("qwen-image-2.0", messages=[message], size="1328x1328").code == "InvalidParameter"

# A wrong key.
assert Video.async_call("wan2.7-t2v", "a fox", api_key="no").code == "InvalidApiKey"
