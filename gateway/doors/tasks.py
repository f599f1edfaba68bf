"""Which task a caller of somebody else's API means: told from the model's tasks and from what is given. Pure."""

from collections.abc import Collection
from typing import NamedTuple

from adapters.schema import Task

IMAGES = (Task.TEXT_TO_IMAGE, Task.IMAGE_EDIT, Task.INPAINT, Task.UPSCALE_IMAGE)

NAMED = {
    "edit": Task.IMAGE_EDIT, "image-to-image": Task.IMAGE_EDIT, "redux": Task.IMAGE_EDIT, "remix": Task.IMAGE_EDIT,
    "inpaint": Task.INPAINT, "inpainting": Task.INPAINT, "fill": Task.INPAINT,
    "image-to-video": Task.IMAGE_TO_VIDEO, "first-last-frame-to-video": Task.IMAGE_TO_VIDEO,
    "video-to-video": Task.VIDEO_TO_VIDEO, "upscale-image": Task.UPSCALE_IMAGE, "upscale-video": Task.UPSCALE_VIDEO,
} | {task.value: task for task in Task}  # fmt: skip
"""The last part of an endpoint's id, where it says what is to be done."""


class Given(NamedTuple):
    """What a caller's input holds, as far as it tells the task."""

    prompt: bool = False
    picture: bool = False
    mask: bool = False
    video: bool = False
    audio: bool = False
    moving: bool = False
    """A word that only clips have: seconds, frames, a frame to begin or to end with."""
    scale: bool = False


def tell(given: Given, able: Collection[Task]) -> Task:
    """The first of the tasks that these inputs suggest which the model does (`able`; empty: all of them).

    If it does none of them, the first suggestion: whoever serves the job then says what the model does instead.
    """
    suggested = suggestions(given)
    fitting = (task for task in suggested if not able or task in able)
    return next(fitting, suggested[0])


def suggestions(given: Given) -> tuple[Task, ...]:
    """What these inputs can be for, likeliest first."""
    if given.mask:
        return (Task.INPAINT, Task.IMAGE_EDIT)
    if given.audio:
        return (Task.AVATAR_VIDEO, Task.IMAGE_TO_VIDEO)
    if given.video:
        first, second = (Task.VIDEO_TO_VIDEO, Task.UPSCALE_VIDEO)
        return (second, first) if given.scale or not given.prompt else (first, second)
    if given.picture:
        if given.moving:
            return (Task.IMAGE_TO_VIDEO, Task.IMAGE_EDIT)
        if given.scale or not given.prompt:
            return (Task.UPSCALE_IMAGE, Task.IMAGE_TO_VIDEO, Task.IMAGE_EDIT)
        return (Task.IMAGE_EDIT, Task.IMAGE_TO_VIDEO, Task.TEXT, Task.INPAINT, Task.UPSCALE_IMAGE)
    if given.moving:
        return (Task.TEXT_TO_VIDEO, Task.TEXT_TO_IMAGE)
    return (Task.TEXT_TO_IMAGE, Task.TEXT_TO_VIDEO, Task.TEXT, Task.TEXT_TO_SPEECH)
