"""Replicate's words for what a job of ours says. Data: how they are read is not known here."""

from adapters.dialects.replicate import FIELDS
from gateway.doors.translate import Tongue

PICTURES = ("image", "images", "input_image", "input_images", "image_input", "image_prompt", "img")
FIRST_FRAMES = ("start_image", "first_frame_image", "first_frame", "first_image")
LAST_FRAMES = ("last_frame_image", "end_image", "last_frame", "last_image")
REFERENCES = ("reference_images", "reference_image")

MORE = {
    "text": "prompt", "num_frames": "frames", "frames_per_second": "fps", "num_images": "count",
    "number_of_images": "count", "guidance": "guidance", "cfg": "guidance", "steps": "steps", "num_steps": "steps",
    "upscale_factor": "scale", "max_new_tokens": "max_tokens",
    "video": "video", "input_video": "video", "audio": "audio_input", "audio_file": "audio_input", "mask": "mask",
    **dict.fromkeys(PICTURES, "picture"), **dict.fromkeys(FIRST_FRAMES, "first_frame"),
    **dict.fromkeys(LAST_FRAMES, "last_frame"), **dict.fromkeys(REFERENCES, "reference"),
}  # fmt: skip
"""Fields of Replicate's models beside those that our own dialect writes: each maker there has words of its own."""

SETTLED = {"disable_safety_checker": (False,)}
"""Safety checkers are on: to say so changes nothing, to say otherwise cannot be honoured."""

TONGUE = Tongue("replicate", FIELDS, MORE, SETTLED, {})
