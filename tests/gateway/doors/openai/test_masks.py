"""OpenAI's masks as ours."""

from io import BytesIO

import pytest
from PIL import Image

from gateway.assets.service import mask_to_alpha
from gateway.doors.openai.masks import from_alpha
from gateway.problems import Invalid


def png(picture: Image.Image, kind: str = "PNG") -> bytes:
    written = BytesIO()
    picture.save(written, kind)
    return written.getvalue()


def test_transparent_is_white_and_what_stays_is_black() -> None:
    theirs = Image.new("RGBA", (4, 2), (10, 20, 30, 255))
    theirs.putpixel((1, 1), (10, 20, 30, 0))
    theirs.putpixel((2, 0), (10, 20, 30, 100))
    ours = Image.open(BytesIO(from_alpha(png(theirs))))
    assert ours.mode == "L" and ours.size == (4, 2)
    assert (ours.getpixel((0, 0)), ours.getpixel((1, 1)), ours.getpixel((2, 0))) == (0, 255, 155)


def test_there_and_back_is_the_same_transparency() -> None:
    theirs = Image.linear_gradient("L")
    drawn = Image.new("RGBA", theirs.size, "black")
    drawn.putalpha(theirs)
    back = Image.open(BytesIO(mask_to_alpha(from_alpha(png(drawn)))))
    assert back.getchannel("A").tobytes() == theirs.tobytes()


@pytest.mark.parametrize("data", [png(Image.new("RGB", (4, 4))), png(Image.new("RGB", (4, 4)), "JPEG"), b"no picture"])
def test_a_mask_without_transparency_says_nothing_and_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid, match=r"^mask:"):
        from_alpha(data)
