"""Real media made in code, a real store and database in a folder, and a real HTTP server on this machine."""

import asyncio
import io
import tempfile
from contextlib import asynccontextmanager
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from adapters.http import close_clients, open_clients
from gateway.assets.service import Assets
from gateway.assets.store import open_store


def picture(format="PNG", size=(64, 48), color="teal", **options):
    written = io.BytesIO()
    Image.new("RGB", size, color).save(written, format, **options)
    return written.getvalue()


def moving_picture(format="GIF", frames=5):
    images = [Image.new("RGB", (32, 32), (40 * index, 0, 0)) for index in range(frames)]
    written = io.BytesIO()
    images[0].save(written, format, save_all=True, append_images=images[1:], duration=100)
    return written.getvalue()


def clip(format="mp4", codec="h264", frames=36, fps=Fraction(24), sound=False, size=(160, 96), **options):
    with tempfile.NamedTemporaryFile() as file:  # a real file, since an index is moved to the front by reading it again
        _film(file.name, format, codec, frames, fps, sound, size, options)
        return file.read()


def _film(name, format, codec, frames, fps, sound, size, options):
    with av.open(name, "w", format=format, options=options) as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height = size
        stream.pix_fmt, stream.gop_size = "yuv420p", 12
        heard = container.add_stream("aac", rate=48_000) if sound else None
        for index in range(frames):
            pixels = np.full((size[1], size[0], 3), index * 7 % 256, np.uint8)
            pixels[:, index * 3 % size[0]] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
        if heard:
            _sing(container, heard, int(frames / fps * 48_000), 1024, "fltp", np.float32)


def sound(format="wav", codec="pcm_s16le", seconds=2):
    written = io.BytesIO()
    layout, kind = ("s16", np.int16) if codec in ("pcm_s16le", "flac") else ("fltp", np.float32)
    with av.open(written, "w", format=format) as container:
        _sing(container, container.add_stream(codec, rate=48_000), seconds * 48_000, 1152, layout, kind)
    return written.getvalue()


def _sing(container, stream, samples, step, layout, kind):
    for start in range(0, samples, step):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, step), kind), format=layout, layout="mono")
        frame.sample_rate, frame.pts = 48_000, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


class Make:
    picture, moving_picture, clip, sound = map(staticmethod, (picture, moving_picture, clip, sound))


@pytest.fixture(scope="session")
def make():
    return Make


@pytest.fixture
def database_url(sqlite_url):
    """One kind of database is enough where the database is not the point; test_tables.py takes both."""
    return sqlite_url


@pytest.fixture
async def assets(tmp_path, database):
    clients = open_clients()
    yield Assets(database, open_store(f"file://{tmp_path}/assets"), clients, "a secret")
    await close_clients(clients)


@asynccontextmanager
async def _serving(answers):
    async def answer(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        status, headers, body = answers[head.split()[1].decode()]
        lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in headers.items()), "connection: close"]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for part in body if isinstance(body, list) else [body]:
            if part is None:
                await asyncio.sleep(30)
                continue
            writer.write(part)
            await writer.drain()
        writer.close()

    async def quietly(reader, writer):
        try:
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.fixture
def serving():
    """`async with serving({path: (status, headers, body)}) as address`; a part of a body that is None hangs."""
    return _serving
