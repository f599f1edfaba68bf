"""fal's words for what a job of ours says. Data: how they are read is not known here."""

from adapters.dialects.fal import FIELDS
from gateway.doors.translate import Tongue

SIZES = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
"""The named sizes of fal's picture models."""

PICTURES = ("image_url", "image_urls", "image", "images", "input_image_url", "input_image_urls", "input_urls")
FIRST_FRAMES = ("start_image_url", "first_frame_url", "first_frame_image_url", "first_image_url")
LAST_FRAMES = ("end_image_url", "last_frame_url", "last_frame_image_url", "last_image_url", "tail_image_url")
REFERENCES = ("reference_image_url", "reference_image_urls", "reference_images", "ref_image_urls")
MASKS = ("mask_url", "mask_image_url", "mask_image")

MORE = {
    "text": "prompt", "num_frames": "frames", "frames_per_second": "fps", "cfg_scale": "guidance",
    "scale": "scale", "video_size": "size", "width": "width", "height": "height",
    "max_tokens": "max_tokens", "temperature": "temperature",
    "video_url": "video", "audio_url": "audio_input",
    **dict.fromkeys(PICTURES, "picture"), **dict.fromkeys(FIRST_FRAMES, "first_frame"),
    **dict.fromkeys(LAST_FRAMES, "last_frame"), **dict.fromkeys(REFERENCES, "reference"),
    **dict.fromkeys(MASKS, "mask"),
}  # fmt: skip
"""Fields of fal's models beside those that our own dialect writes."""

SETTLED = {"sync_mode": (False,), "enable_safety_checker": (True,), "enable_output_safety_checker": (True,)}
"""Outputs are links, and safety checkers are on: to say so changes nothing, to say otherwise cannot be honoured."""

TONGUE = Tongue("fal", FIELDS, MORE, SETTLED, SIZES)
