"""What kind of media some bytes are, by their first bytes. It believes no name and no header, and decodes nothing."""

import re
from collections.abc import Callable

HEAD_BYTES = 1024
"""Enough of a file to know its kind; an SVG may open with a declaration and comments."""
UNKNOWN = "application/octet-stream"

EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
    "image/svg+xml": "svg",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-matroska": "mkv",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/aac": "aac",
    "audio/mp4": "m4a",
    "audio/webm": "weba",
}
"""Every type of media that we know, and the ending of its files."""

_SAME = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/svg": "image/svg+xml",
    "video/x-m4v": "video/mp4",
    "audio/mp3": "audio/mpeg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/mp4",
    "application/ogg": "audio/ogg",
}
"""Other names in use for the same types."""
_SAYS_NOTHING = {"", UNKNOWN, "binary/octet-stream", "application/x-www-form-urlencoded"}
"""Claims that only say "some bytes"; the last is what curl says of any `--data-binary`."""

_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*(?:<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]",
    re.DOTALL,
)


def sniff(head: bytes) -> str:
    """The type of a file that begins with these bytes, `application/octet-stream` for what is not media we know."""
    return next((mime(head) if callable(mime) else mime for test, mime in _KINDS if test(head)), UNKNOWN)


def _starts(*beginnings: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(beginnings)


def _riff(form: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] == b"RIFF" and head[8:12] == form


def _of_brand(head: bytes) -> str:
    """ISO media files (ISO/IEC 14496-12) name their brand; one that we do not know may still be a film."""
    brands = {
        b"avif": "image/avif",
        b"avis": "image/avif",
        b"qt  ": "video/quicktime",
        b"M4A ": "audio/mp4",
        b"M4B ": "audio/mp4",
        b"heic": UNKNOWN,
        b"heix": UNKNOWN,
        b"mif1": UNKNOWN,
        b"crx ": UNKNOWN,
    }
    return brands.get(head[8:12], "video/mp4")


_KINDS: tuple[tuple[Callable[[bytes], object], str | Callable[[bytes], str]], ...] = (
    (_starts(b"\x89PNG\r\n\x1a\n"), "image/png"),
    (_starts(b"\xff\xd8\xff"), "image/jpeg"),
    (_starts(b"GIF87a", b"GIF89a"), "image/gif"),
    (_riff(b"WEBP"), "image/webp"),
    (_riff(b"WAVE"), "audio/wav"),
    (lambda head: head[4:8] == b"ftyp", _of_brand),
    (_starts(b"\x1aE\xdf\xa3"), lambda head: "video/webm" if b"webm" in head[:64] else "video/x-matroska"),
    (_starts(b"OggS"), "audio/ogg"),
    (_starts(b"fLaC"), "audio/flac"),
    (_starts(b"\xff\xf1", b"\xff\xf9"), "audio/aac"),
    (_starts(b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa"), "audio/mpeg"),
    (_SVG.match, "image/svg+xml"),
)


def kind(mime: str) -> str:
    """`image`, `video`, `audio`, or what else stands before the slash."""
    return mime.partition("/")[0]


def extension(mime: str) -> str:
    return EXTENSIONS.get(mime, "bin")


def plain(claimed: str | None) -> str:
    """A content type as its sender wrote it, reduced to the one name that we use; "" where it says nothing."""
    mime = (claimed or "").partition(";")[0].strip().lower()
    return "" if mime in _SAYS_NOTHING or mime.endswith("/*") else _SAME.get(mime, mime)


def contradicts(claimed: str | None, found: str) -> bool:
    """Whether bytes are another kind of thing than was said.

    A JPEG that was called a PNG is only named wrongly, which providers and browsers often do; a page of HTML that was
    called a PNG is not a picture at all.
    """
    said = plain(claimed)
    return bool(said) and kind(said) != kind(found)
