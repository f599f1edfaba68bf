"""A trivially fast provider of OpenAI's images path: a bare protocol that answers every request with a new picture.

Run as `python -m benchmarks.upstream`; it prints its port. It checks nothing and waits for nothing, so that what is
measured is what stands in front of it. No two pictures have the same bytes: a store that names content by its hash
must keep each of them.
"""

import asyncio
import base64
import io
import itertools
import random
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

from benchmarks.messages import first_message

SIDE_PIXELS = 1_024
"""As asked for."""
NOISY_ROWS = 16
"""The rest is of one colour: some fifty kilobytes in all, for moving megabytes is not what is compared, and a file that
is small beyond what a picture can be is looked at more closely than those that people pay for."""

SEED = 7

PNG_END_BYTES = 12
"""The IEND chunk, before which others may be put."""

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
BODY = (
    b'{"created":1790000000,"data":[{"b64_json":"%s"}],"output_format":"png","size":"1024x1024",'
    b'"usage":{"input_tokens":10,"input_tokens_details":{"text_tokens":10,"image_tokens":0},"output_tokens":200}}'
)


def pictures() -> Iterator[bytes]:
    """PNG files without end, each with its number in a text chunk."""
    file = io.BytesIO()
    picture = Image.new("RGB", (SIDE_PIXELS, SIDE_PIXELS), "teal")
    noise = random.Random(SEED).randbytes(SIDE_PIXELS * NOISY_ROWS * 3)
    picture.paste(Image.frombytes("RGB", (SIDE_PIXELS, NOISY_ROWS), noise), (0, 0))
    picture.save(file, "PNG", compress_level=9)
    whole = file.getvalue()
    head, end = whole[:-PNG_END_BYTES], whole[-PNG_END_BYTES:]
    for number in itertools.count():
        text = b"tEXtnumber\0%d" % number
        chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
        yield head + chunk + end


class Upstream(asyncio.Protocol):
    """One connection. Requests on it are answered in their order."""

    transport: asyncio.WriteTransport

    def __init__(self, supply: Iterator[bytes]) -> None:
        self.supply = supply
        self.buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while message := first_message(self.buffer):
            del self.buffer[: message.size_bytes]
            body = BODY % base64.b64encode(next(self.supply))
            self.transport.write(HEAD % len(body) + body)


async def serve() -> None:
    supply = pictures()
    server = await asyncio.get_running_loop().create_server(lambda: Upstream(supply), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
