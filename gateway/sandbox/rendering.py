"""What the render process does: read one input, paint, write the files. Imported by no other process, for its size."""

import base64
import binascii
import http.client
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from PIL import Image

from gateway.sandbox.clips import Film, render as render_clip
from gateway.sandbox.edits import SIDE_MAX, edit, inpaint, upscale
from gateway.sandbox.errands import Errand, Unusable
from gateway.sandbox.inputs import ENDPOINTS, Clips, Edits, ImageClips, Inpaints, Pictures, Upscales, Words, even_size
from gateway.sandbox.pictures import FORMATS, draw, encode

MEDIA_BYTES = 64 * 2**20
"""The most that a linked picture may weigh."""

LINK_TIMEOUT_S = 20
PIXELS_MAX = 40_000_000
"""Of a given picture: 120 MB once unpacked."""

RATIOS = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1)}


def render(errand: Errand) -> dict[str, Any]:
    """Paint what the errand's input asks, into files that begin with its stem; the result has names, not links."""
    asked = ENDPOINTS[errand.endpoint].model_validate_json(Path(errand.input_path).read_bytes())
    is_draft = errand.endpoint.endswith("/draft")
    match asked:
        case Clips() | ImageClips():
            body = _clip(asked, errand, is_draft)
        case Pictures():
            body = _pictures(asked, errand, lambda seed: draw(asked.prompt, seed, *asked.pixels, is_draft=is_draft))
        case Edits():
            first, *others = [read_picture(link, "image_url") for link in asked.links]
            body = _pictures(asked, errand, lambda seed: edit(first, tuple(others), asked.prompt, seed))
        case Inpaints():
            given, mask = read_picture(asked.image_url, "image_url"), read_picture(asked.mask_url, "mask_url")
            body = _pictures(asked, errand, lambda seed: inpaint(given, mask, asked.prompt, seed))
        case Upscales():
            body = _pictures(asked, errand, _upscaler(asked))
        case Words():
            raise TypeError("words are composed by the server itself")
    if asked.sandbox.broken:
        _cut(errand)
    return body | {"seed": errand.seed, "sandbox": True}


def _upscaler(asked: Upscales) -> Callable[[int], Image.Image]:
    given = read_picture(asked.image_url, "image_url")
    if max(given.size) * asked.scale > SIDE_MAX:
        raise Unusable("image_too_large", f"no side may exceed {SIDE_MAX} pixels once enlarged", "image_url")
    return lambda seed: upscale(given, asked.scale)


def _pictures(
    asked: Pictures | Edits | Inpaints | Upscales, errand: Errand, paint: Callable[[int], Image.Image]
) -> dict[str, Any]:
    count = 1 if isinstance(asked, Upscales) else asked.num_images
    entries = []
    for index in range(count):
        picture = paint(errand.seed + index)
        entries.append(_picture(picture, asked.output_format, Path(f"{errand.stem}-{index}.{asked.output_format}")))
        errand.tell((index + 1) / count)
    return {"images": entries, "has_nsfw_concepts": [False] * count, "prompt": asked.prompt}


def _picture(picture: Image.Image, output_format: str, path: Path) -> dict[str, Any]:
    path.write_bytes(encode(picture, output_format))
    size = {"width": picture.width, "height": picture.height}
    return _entry(path, FORMATS[output_format]) | size


def _entry(path: Path, content_type: str) -> dict[str, Any]:
    return {"file_name": path.name, "content_type": content_type, "file_size": path.stat().st_size}


def _clip(asked: Clips | ImageClips, errand: Errand, is_draft: bool) -> dict[str, Any]:
    first = read_picture(asked.image_url, "image_url") if isinstance(asked, ImageClips) else None
    shape = RATIOS.get(asked.aspect_ratio) or _bounded_shape(first)
    seconds = asked.duration / 2 if asked.sandbox.short else asked.duration
    film = Film(seconds, asked.fps, *even_size(asked.resolution, *shape), asked.generate_audio, is_draft)
    path = Path(f"{errand.stem}-0.mp4")
    render_clip(path, asked.prompt, errand.seed, film, first, errand.tell)
    return {"video": _entry(path, "video/mp4"), "seconds": film.frames / film.fps}


def _bounded_shape(picture: Image.Image | None) -> tuple[float, float]:
    """The given picture's own shape, no longer than 2.4 to 1, so that no clip grows without end."""
    if picture is None:
        return 16, 9
    wide, high = picture.size
    return min(wide, 2.4 * high), min(high, 2.4 * wide)


def _cut(errand: Errand) -> None:
    for path in Path(errand.stem).parent.glob(f"{Path(errand.stem).name}-*"):
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * 3 // 5])


def read_picture(link: str, field: str) -> Image.Image:
    """The picture behind a data URI, or behind an http link on 127.0.0.1; Unusable if there is none."""
    data = _from_data_uri(link, field) if link.startswith("data:") else _from_link(link, field)
    try:
        picture = Image.open(io.BytesIO(data))
        if picture.width * picture.height > PIXELS_MAX:
            raise Unusable("image_too_large", f"no picture may have more than {PIXELS_MAX} pixels", field)
        picture.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Unusable("image_load_error", f"the picture could not be read: {error}"[:300], field) from error
    return picture


def _from_data_uri(link: str, field: str) -> bytes:
    head, _, data = link.partition(",")
    try:
        return base64.b64decode(data, validate=True) if head.endswith(";base64") else unquote_to_bytes(data)
    except binascii.Error as error:
        raise Unusable("image_load_error", "the data URI is not valid base64", field) from error


def _from_link(link: str, field: str) -> bytes:
    """Redirects are not followed: they could lead off this machine."""
    parts = urlsplit(link)
    if parts.scheme != "http" or parts.hostname != "127.0.0.1":
        raise Unusable("file_download_error", "the sandbox fetches http links on 127.0.0.1 only", field)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port or 80, timeout=LINK_TIMEOUT_S)
    try:
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        reply = connection.getresponse()
        data = reply.read(MEDIA_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        raise Unusable("file_download_error", f"the link could not be read: {error}", field) from error
    finally:
        connection.close()
    if reply.status != 200 or len(data) > MEDIA_BYTES:
        raise Unusable("file_download_error", f"the link answered {reply.status} with {len(data)} bytes", field)
    return data
