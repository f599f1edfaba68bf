import asyncio
import base64
from decimal import Decimal

import pytest

from adapters.schema import Output, Task
from gateway.assets import collect as module
from gateway.assets.collect import Collected, NotCollected, collect, measured
from gateway.assets.rules import Facts, blob_of

pytestmark = pytest.mark.anyio

ELSEWHERE = "https://provider.example"


def words(data):
    return base64.b64encode(data).decode()


async def collected(assets, *outputs, base_url=ELSEWHERE):
    return await collect(assets, "job_1", "key_1", base_url, outputs)


async def chunks(data):
    yield data


async def test_every_form_of_an_output_becomes_the_same_asset(assets, serving, make):
    data = make.picture()
    stored = await assets.store(chunks(data))
    async with serving({"/x.png": (200, {}, data)}) as address:
        got = await collected(
            assets,
            Output(mime="image/png", base64=words(data)),
            Output(mime="image/png", url=f"data:image/png;base64,{words(data)}"),
            Output(mime="image/png", stored=stored),
            Output(mime="image/png", url=f"{address}/x.png"),
            base_url=address + "/v1",
        )
    assert {each.row["sha256"] for each in got} == {blob_of(data).sha256}
    assert len({each.row["id"] for each in got}) == 4
    assert all(each.fault is None and each.row["width"] == 64 for each in got)
    assert {(each.row["key_id"], each.row["job_id"], each.row["source"]) for each in got} == {
        ("key_1", "job_1", "output")
    }
    assert await assets.blobs.size(blob_of(data).sha256) == len(data)


async def test_words_pass_through_without_a_blob(assets):
    assert await collected(assets, Output(mime="text/plain", text="")) == (Collected("text/plain", text=""),)


async def test_outputs_keep_their_order(assets, make):
    outputs = [Output(mime="image/png", base64=words(make.picture(size=(8 + index, 8)))) for index in range(12)]
    got = await collected(assets, *outputs)
    assert [each.row["width"] for each in got] == list(range(8, 20))
    assert [each.row["id"] for each in got] == sorted(each.row["id"] for each in got)


async def test_a_type_named_wrongly_is_corrected(assets, make):
    (got,) = await collected(assets, Output(mime="image/png", base64=words(make.picture("WEBP"))))
    assert (got.mime, got.row["mime"], got.fault) == ("image/webp", "image/webp", None)


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (Output(mime="image/png", base64="?"), "base64"),
        (Output(mime="image/png", base64=words(b"<html>no</html>")), "was said to be image/png"),
        (Output(mime="", base64=words(b"<html>no</html>")), "no kind of media"),
        (Output(mime="image/png"), "handed over nothing"),
    ],
)
async def test_bytes_that_are_not_what_was_said_are_a_fault_and_no_asset(assets, output, says):
    (got,) = await collected(assets, output)
    assert says in got.fault and got.row is None
    assert measured((got,), Task.TEXT_TO_IMAGE)["output_image"] == 0


async def test_a_clip_cut_off_on_the_way_is_a_fault(assets, serving, make):
    data = make.clip(movflags="faststart")
    async with serving({"/a.mp4": (200, {}, data[: len(data) // 2])}) as address:
        (got,) = await collected(assets, Output(mime="video/mp4", url=f"{address}/a.mp4"), base_url=address)
    assert got.fault and got.row is None


async def test_a_link_to_a_private_address_is_not_followed_unless_the_operator_put_the_provider_there(
    assets, serving, make
):
    async with serving({"/x.png": (200, {}, make.picture())}) as address:
        with pytest.raises(NotCollected, match="private") as caught:
            await collected(assets, Output(mime="image/png", url=f"{address}/x.png"))
        assert caught.value.lasting
        async with serving({"/go": (302, {"location": f"{address}/x.png"}, b"")}) as provider:
            with pytest.raises(NotCollected, match="private"):
                await collected(assets, Output(mime="image/png", url=f"{provider}/go"), base_url=provider)


async def test_a_link_that_fails_is_told_apart_by_whether_it_may_work_later(assets, serving):
    answers = {"/gone": (404, {}, b""), "/busy": (503, {}, b"")}
    async with serving(answers) as address:
        for path, lasting in (("/gone", True), ("/busy", False)):
            with pytest.raises(NotCollected) as caught:
                await collected(assets, Output(mime="image/png", url=address + path), base_url=address)
            assert caught.value.lasting is lasting
    with pytest.raises(NotCollected) as caught:
        await collected(assets, Output(mime="image/png", url=address + "/x"), base_url=address)
    assert not caught.value.lasting


async def test_a_link_that_hangs_is_left(assets, serving, monkeypatch):
    monkeypatch.setattr(module, "LINK_S", 0.2)
    async with serving({"/slow": (200, {}, [b"x", None])}) as address:
        with pytest.raises(NotCollected, match=r"within 0\.2 s"):
            await collected(assets, Output(mime="image/png", url=f"{address}/slow"), base_url=address)


async def test_bytes_that_the_store_lost_are_not_collected(assets):
    with pytest.raises(NotCollected) as caught:
        await collected(assets, Output(mime="image/png", stored=f"sha256:{'0' * 64}:5"))
    assert caught.value.lasting


async def test_many_at_once_are_all_kept(assets, make):
    pictures = [make.picture(size=(16 + index, 16)) for index in range(40)]
    got = await asyncio.gather(*(collected(assets, Output(mime="image/png", base64=words(each))) for each in pictures))
    assert [each[0].row["sha256"] for each in got] == [blob_of(each).sha256 for each in pictures]


def clip(**facts):
    return Collected("video/mp4", facts=Facts("video/mp4", 1280, 720, **facts))


def test_pictures_are_counted_and_their_pixels_too():
    good, broken = Facts("image/png", 1024, 512), Facts("image/png", 64, 64, fault="broken")
    got = (
        Collected("image/png", facts=good),
        Collected("image/png", facts=broken, fault="broken"),
        Collected("text/plain", text="a caption"),
        clip(frames=24, fps=24.0),
    )
    assert measured(got, Task.TEXT_TO_IMAGE) == {"output_image": 1, "output_megapixel": Decimal("0.524288")}


def test_seconds_of_a_clip_are_its_frames_by_their_rate():
    exact = measured((clip(frames=121, fps=24.0, duration_s=5.0),), Task.TEXT_TO_VIDEO)
    assert exact == {"output_video": 1, "output_video_second": Decimal("5.042"), "output_video_frame": 121}
    film = measured((clip(frames=120, fps=23.976, duration_s=5.005),) * 2, Task.IMAGE_TO_VIDEO)
    assert film == {"output_video": 2, "output_video_second": Decimal("10.010"), "output_video_frame": 240}
    unknown = measured((clip(duration_s=4.5),), Task.TEXT_TO_VIDEO)
    assert unknown["output_video_second"] == Decimal("4.500")


def test_a_moving_picture_is_a_clip_only_where_a_clip_was_asked_for():
    moving = (Collected("image/gif", facts=Facts("image/gif", 10, 10, 0.5, 10.0, 5)),)
    counted = {"output_video": 1, "output_video_second": Decimal("0.500"), "output_video_frame": 5}
    assert measured(moving, Task.TEXT_TO_VIDEO) == counted
    assert measured(moving, Task.TEXT_TO_IMAGE)["output_image"] == 1


def test_speech_has_seconds_and_text_has_no_measure_of_ours():
    speech = (Collected("audio/wav", facts=Facts("audio/wav", duration_s=2.0004, has_audio=True)),)
    assert measured(speech, Task.TEXT_TO_SPEECH) == {"output_audio_second": Decimal("2.000")}
    assert measured((Collected("text/plain", text="hi"),), Task.TEXT) == {}
