import base64
import io
import time

import pytest
from PIL import Image

from adapters.schema import ImagePart, Input, Role
from gateway.assets import ingest as module, tables
from gateway.assets.ingest import ingest
from gateway.assets.rules import blob_of
from gateway.problems import Invalid, NotFound, TooLarge

pytestmark = pytest.mark.anyio


def words(data):
    return base64.b64encode(data).decode()


async def keep(assets, data, key_id="key_1"):
    row = (await ingest(assets, key_id, Input(role=Role.SOURCE, base64=words(data)), "inputs.0")).row
    await assets.database.together(lambda connection: tables.insert(connection, [row]))
    return row


async def refused(assets, item, problem=Invalid, key_id="key_1"):
    with pytest.raises(problem) as caught:
        await ingest(assets, key_id, item, "inputs.0")
    return str(caught.value)


async def test_base64_becomes_an_asset_with_facts(assets, make):
    data = make.picture()
    given = await ingest(assets, "key_1", Input(role=Role.SOURCE, base64=words(data)), "inputs.0")
    assert given.is_new and given.asset.startswith("ast_")
    expected = {"key_id": "key_1", "sha256": blob_of(data).sha256, "mime": "image/png", "width": 64, "source": "input"}
    assert expected.items() <= given.row.items()
    assert await assets.blobs.size(given.row["sha256"]) == len(data)


async def test_a_data_uri_in_a_chat_message_becomes_an_asset(assets, make):
    uri = f"data:image/jpeg;base64,{words(make.picture('JPEG'))}"
    given = await ingest(assets, "key_1", ImagePart(url=uri), "messages.0.content.1")
    assert given.row["mime"] == "image/jpeg"


async def test_an_asset_of_the_caller_is_taken_as_it_is_and_another_callers_is_not_found(assets, make):
    row = await keep(assets, make.picture())
    again = await ingest(assets, "key_1", Input(role=Role.MASK, asset=row["id"]), "inputs.0")
    assert (again.row, again.is_new) == (row, False)
    await refused(assets, Input(role=Role.MASK, asset=row["id"]), NotFound, key_id="key_2")
    await refused(assets, Input(role=Role.MASK, asset="ast_none"), NotFound)


async def test_the_same_bytes_of_two_owners_are_one_blob_and_two_assets(assets, make, tmp_path):
    rows = [await keep(assets, make.picture(), key_id) for key_id in ("key_1", "key_2")]
    assert rows[0]["id"] != rows[1]["id"] and rows[0]["sha256"] == rows[1]["sha256"]
    assert len([path for path in (tmp_path / "assets").rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (Input(role=Role.SOURCE), "exactly one"),
        (Input(role=Role.SOURCE, base64="AAAA", asset="ast_1"), "exactly one"),
        (ImagePart(), "exactly one"),
        (Input(role=Role.SOURCE, base64="not base64!"), "inputs.0.base64: is not valid base64"),
        (Input(role=Role.SOURCE, base64=words(b"only words")), "no kind of image"),
        (Input(role=Role.SOURCE, url="data:image/png;base64," + words(b"<html>")), "sent as image/png"),
        (Input(role=Role.SOURCE, url="data:image/png"), "inputs.0.url"),
        (Input(role=Role.MASK, base64=words(b"<svg></svg>")), "must be of the kind image"),
        (ImagePart(url="data:image/svg+xml,<svg></svg>"), "must be of the kind image"),
    ],
)
async def test_what_is_no_media_is_refused_by_its_path(assets, item, says):
    assert says in await refused(assets, item)


async def test_broken_media_are_refused_and_not_kept(assets, make):
    data = make.picture()[:-30]
    assert "does not decode" in await refused(assets, Input(role=Role.SOURCE, base64=words(data)))
    assert await assets.blobs.size(blob_of(data).sha256) is None


async def test_sound_is_no_first_frame(assets, make):
    assert "audio/wav" in await refused(assets, Input(role=Role.FIRST_FRAME, base64=words(make.sound(seconds=1))))


async def test_too_many_bytes_are_refused_before_they_are_decoded(assets, make, monkeypatch):
    monkeypatch.setattr(module, "INPUT_BYTES", 100)
    await refused(assets, Input(role=Role.SOURCE, base64=words(make.picture("JPEG"))), TooLarge)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "/etc/passwd",
        "http://127.0.0.1:9/x.png",
        "http://10.0.0.1/x.png",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:9/x.png",
        "http://[::1]:9/x.png",
        "http://2130706433:9/x.png",
        "http://",
        "",
    ],
)
async def test_a_link_that_leads_inside_is_refused(assets, url):
    said = await refused(assets, Input(role=Role.SOURCE, url=url))
    assert said.startswith("inputs.0.url: ")


async def test_no_byte_is_asked_of_a_private_address(assets, serving, make):
    async with serving({"/x.png": (200, {}, make.picture())}) as address:
        assert "private address" in await refused(assets, Input(role=Role.SOURCE, url=f"{address}/x.png"))


@pytest.fixture
def open_guard(assets, monkeypatch):
    """Lets links reach this machine's test server, by giving foreign links the client of configured hosts."""
    return type(assets)(
        assets.database, assets.blobs, assets.clients._replace(foreign=assets.clients.configured), assets.secret
    )


async def test_a_link_is_fetched_into_the_store(open_guard, serving, make):
    data = make.clip()
    async with serving({"/a.mp4": (200, {"content-type": "text/html"}, [data[:500], data[500:]])}) as address:
        given = await ingest(open_guard, "key_1", Input(role=Role.SOURCE, url=f"{address}/a.mp4"), "inputs.0")
    assert given.row["mime"] == "video/mp4" and given.row["frames"] == 36


async def test_a_link_without_media_is_refused(open_guard, serving):
    answers = {"/gone": (404, {}, b""), "/page": (200, {}, b"<html>")}
    async with serving(answers) as address:
        assert "404" in await refused(open_guard, Input(role=Role.SOURCE, url=f"{address}/gone"))
        assert "no kind" in await refused(open_guard, Input(role=Role.SOURCE, url=f"{address}/page"))


async def test_a_link_that_never_ends_is_left_when_it_is_too_large_or_too_slow(open_guard, serving, monkeypatch):
    monkeypatch.setattr(module, "INPUT_BYTES", 1_000_000)
    monkeypatch.setattr(module, "FETCH_S", 0.3)
    answers = {"/large": (200, {}, [b"x" * 100_000] * 30), "/slow": (200, {}, [b"x", None])}
    async with serving(answers) as address:
        await refused(open_guard, Input(role=Role.SOURCE, url=f"{address}/large"), TooLarge)
        began = time.perf_counter()
        assert "within 0.3 s" in await refused(open_guard, Input(role=Role.SOURCE, url=f"{address}/slow"))
        assert time.perf_counter() - began < 5
    assert list(open_guard.blobs.temporary.iterdir()) == []


async def test_an_asset_is_opened_for_sending(assets, make):
    row = await keep(assets, make.picture())
    media = await assets.open(row["id"])
    assert (media.mime, media.size_bytes) == ("image/png", row["size_bytes"])
    assert b"".join([chunk async for chunk in media.chunks]) == make.picture()
    with pytest.raises(NotFound):
        await assets.open("ast_none")


async def test_a_mask_is_sent_transparent_where_it_is_white(assets):
    written = io.BytesIO()
    mask = Image.new("L", (4, 1))
    mask.putdata([0, 255, 128, 255])
    mask.save(written, "PNG")
    row = await keep(assets, written.getvalue())
    media = await assets.open(row["id"], mask="alpha")
    data = b"".join([chunk async for chunk in media.chunks])
    assert media.mime == "image/png" and media.size_bytes == len(data)
    sent = Image.open(io.BytesIO(data))
    assert sent.mode == "RGBA" and list(sent.getchannel("A").tobytes()) == [255, 0, 127, 0]


async def test_a_mask_is_sent_black_where_it_is_white_and_what_is_transparent_is_kept(assets):
    written = io.BytesIO()
    mask = Image.new("RGBA", (4, 1))
    mask.putdata([(0, 0, 0, 255), (255, 255, 255, 255), (255, 255, 255, 128), (255, 255, 255, 0)])
    mask.save(written, "PNG")
    row = await keep(assets, written.getvalue())
    media = await assets.open(row["id"], mask="black")
    data = b"".join([chunk async for chunk in media.chunks])
    assert media.mime == "image/png" and media.size_bytes == len(data)
    sent = Image.open(io.BytesIO(data))
    assert sent.mode == "L" and list(sent.tobytes()) == [255, 0, 127, 255]


async def test_a_link_exists_only_with_a_public_address(assets):
    assert await assets.link("ast_1") is None
    public = type(assets)(assets.database, assets.blobs, assets.clients, assets.secret, "https://podium.example/")
    assert (await public.link("ast_1")).startswith("https://podium.example/v1/assets/ast_1/content?expires=")


async def test_the_same_bytes_are_decoded_once(assets, make, monkeypatch):
    await keep(assets, make.picture())
    monkeypatch.setattr("gateway.assets.service.measure", None)
    assert (await keep(assets, make.picture()))["width"] == 64
