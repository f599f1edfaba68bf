"""Cuts HTTP/1.1 messages out of bytes for the fast ends of the benchmark; it knows lengths, and no chunked bodies."""

from typing import NamedTuple

LENGTH = b"\r\ncontent-length:"


class Message(NamedTuple):
    """`head` without its blank line, `body`, and how many bytes both took."""

    head: bytes
    body: bytes
    size_bytes: int


def first_message(buffer: bytes | bytearray) -> Message | None:
    """The first whole message of a buffer, or None while it has not all arrived.

    Raises ValueError for a head without a length: a server here that sends one would be measured wrongly.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(buffer[:end])
    _, found, after = head.lower().partition(LENGTH)
    if not found:
        raise ValueError(f"a message without Content-Length: {head[:80]!r}")
    begin = end + 4
    size_bytes = begin + int(after.split(b"\r\n", 1)[0])
    return Message(head, bytes(buffer[begin:size_bytes]), size_bytes) if len(buffer) >= size_bytes else None
