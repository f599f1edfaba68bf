"""Runway's own Python client against the simulated tasks: make, wait, fetch; refusals; a cancel; an upload; the list.

Run as `python tests/sdks/runway.py http://127.0.0.1:PORT`.
"""

import sys
import time
import urllib.request

import runwayml

SIMULATORS = ("runway",)

base = sys.argv[1]
time.sleep = lambda seconds: None  # the client looks every six seconds
client = runwayml.RunwayML(api_key="key_0123456789abcdef", base_url=base, max_retries=0)


def refused(kind, make, **asked):
    """The error of this kind with which a call ends."""
    try:
        made = make(**asked)
    except kind as error:
        return error
    raise AssertionError(f"{asked} was taken: {made}")


# Words to a picture.
task = client.text_to_image.create(model="gen4_image", prompt_text="a cat", ratio="1280:720")
made = task.wait_for_task_output()
assert made.status == "SUCCEEDED" and made.cost.credits == 5, made
with urllib.request.urlopen(made.output[0]) as picture:
    assert picture.read(4) == b"\x89PNG"

# A picture, put into Runway's storage, to a clip.
kept = client.uploads.create_ephemeral(file=("a.png", b"\x89PNG", "image/png"))
first = [{"uri": kept.uri, "position": "first"}]
task = client.image_to_video.create(
    model="gen4.5", prompt_image=first, prompt_text="waves", ratio="1280:720", duration=2, seed=7
)
assert client.tasks.retrieve(task.id).status == "THROTTLED"
made = client.tasks.retrieve(task.id)
assert made.status == "SUCCEEDED" and made.cost.credits == 24, made

# Moderation ends a task, and is charged for; a failure is not.
for word, code, credits in (("refuse", "SAFETY.INPUT.TEXT", 8), ("fail", "INTERNAL.BAD_OUTPUT.CODE01", 0)):
    task = client.text_to_image.create(model="gen4_image", prompt_text=f"a cat [{word}]", ratio="1024:1024")
    details = refused(runwayml.TaskFailedError, task.wait_for_task_output).task_details
    assert (details.failure_code, details.cost.credits) == (code, credits), details

# A cancel.
task = client.text_to_video.create(model="gen4.5", prompt_text="a cat [slow]", ratio="1280:720", duration=5)
client.tasks.delete(task.id)
assert client.tasks.retrieve(task.id).status == "CANCELLED"

# Wrong bodies are refused at once: a length as a word, a size of another task, a seed below zero.
for wrong in ({"duration": "5"}, {"ratio": "960:960"}, {"seed": -1}):
    asked = {"model": "gen4.5", "prompt_text": "a cat", "ratio": "1280:720", "duration": 5} | wrong
    error = refused(runwayml.BadRequestError, client.text_to_video.create, **asked)
    assert error.body["issues"][0]["path"] == list(wrong), error.body

# A wrong key.
stranger = runwayml.RunwayML(api_key="no", base_url=base)
assert refused(runwayml.AuthenticationError, stranger.organization.retrieve).status_code == 401

# What this account may use.
assert "gen4.5" in client.organization.retrieve().tier.models
