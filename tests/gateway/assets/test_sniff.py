import time

import pytest

from gateway.assets.sniff import EXTENSIONS, HEAD_BYTES, contradicts, extension, plain, sniff

MADE = {
    "image/png": lambda make: make.picture("PNG"),
    "image/jpeg": lambda make: make.picture("JPEG"),
    "image/webp": lambda make: make.picture("WEBP"),
    "image/gif": lambda make: make.picture("GIF"),
    "image/avif": lambda make: make.picture("AVIF"),
    "video/mp4": lambda make: make.clip(),
    "video/quicktime": lambda make: make.clip("mov"),
    "video/webm": lambda make: make.clip("webm", "libvpx-vp9", frames=3),
    "video/x-matroska": lambda make: make.clip("matroska"),
    "audio/wav": lambda make: make.sound(),
    "audio/mpeg": lambda make: make.sound("mp3", "libmp3lame"),
    "audio/flac": lambda make: make.sound("flac", "flac"),
    "audio/aac": lambda make: make.sound("adts", "aac"),
}


@pytest.mark.parametrize("mime", MADE)
def test_real_files_are_known_by_their_first_bytes(make, mime):
    assert sniff(MADE[mime](make)[:HEAD_BYTES]) == mime
    assert extension(mime) == EXTENSIONS[mime]


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b'<?xml version="1.0"?>\n<!-- drawn <by> hand -->\n<svg xmlns="http://www.w3.org/2000/svg">', "image/svg+xml"),
        (b"\xef\xbb\xbf  <svg>", "image/svg+xml"),
        (b"OggS\x00\x02", "audio/ogg"),
        (b"\x00\x00\x00\x20ftypM4A \x00", "audio/mp4"),
        (b"\x00\x00\x00\x20ftypheic\x00", "application/octet-stream"),
        (b"<!doctype html><svg>", "application/octet-stream"),
        (b"<html>", "application/octet-stream"),
        (b"%PDF-1.7", "application/octet-stream"),
        (b"RIFF\x00\x00\x00\x00AVI ", "application/octet-stream"),
        (b"MZ", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_what_is_not_media_we_know_is_only_bytes(head, mime):
    assert sniff(head) == mime


def test_a_head_made_of_comments_costs_no_time():
    began = time.perf_counter()
    assert sniff(b"<!---->" * 146) == "application/octet-stream"
    assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize(
    ("claimed", "found", "answer"),
    [
        ("image/png", "image/jpeg", False),
        ("image/jpg; charset=binary", "image/jpeg", False),
        ("IMAGE/PNG", "image/png", False),
        ("", "image/png", False),
        (None, "image/png", False),
        ("application/octet-stream", "video/mp4", False),
        ("image/*", "video/mp4", False),
        ("image/png", "application/octet-stream", True),
        ("image/png", "video/mp4", True),
        ("text/html", "image/png", True),
    ],
)
def test_another_kind_contradicts_a_claim_and_another_name_does_not(claimed, found, answer):
    assert contradicts(claimed, found) is answer


def test_other_names_of_a_type_become_ours():
    assert [plain("audio/x-wav"), plain("image/jpg"), plain("audio/mp3;q=1")] == [
        "audio/wav",
        "image/jpeg",
        "audio/mpeg",
    ]
