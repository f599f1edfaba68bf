"""How a request is spelled in an offer's own words."""

import pytest

from adapters.fields import own_names, shaped, spell
from adapters.schema import Input, MediaRequest, Offer, WireField

DEFAULTS = {
    "prompt": WireField(name="prompt"),
    "duration_s": WireField(name="duration"),
    "audio": WireField(name="sound"),
    "size": WireField(name="image_size"),
    "source": WireField(name="image_url"),
    "reference": WireField(name="image_urls", many=True),
    "style": WireField(name="image_urls", many=True),
}


def an_offer(**more) -> Offer:
    return Offer(
        **({"provider": "p", "model": "m/m", "dialect": "fal", "wire_id": "w", "tasks": {"text-to-image"}} | more)
    )


def a_request(**more) -> MediaRequest:
    return MediaRequest(**({"task": "text-to-image", "prompt": "an onion"} | more))


@pytest.mark.parametrize(
    ("value", "field", "sent"),
    [
        (5.0, {}, 5),
        (5.5, {}, 5.5),
        (True, {}, True),
        (8.0, {"form": "{}s"}, "8s"),
        ([{"path": "a", "scale": 1}], {}, [{"path": "a", "scale": 1}]),
        ([{"path": "a", "scale": 1}], {"single": True}, {"path": "a", "scale": 1}),
        (
            [{"path": "a", "scale": 1}],
            {"keys": {"path": ["name", "file"], "scale": "weight"}},
            [{"name": "a", "file": "a", "weight": 1}],
        ),
        (6, {"form": "{}"}, "6"),
        ({"width": 3, "height": 2}, {"form": "{width}*{height}"}, "3*2"),
        ({"width": 3, "height": 2}, {"values": {"3x2": "landscape"}}, "landscape"),
        ("720p", {"values": {"720p": "std"}}, "std"),
        (True, {"values": {"true": "on", "false": "off"}}, "on"),
        (5.0, {"values": {"5": "short"}}, "short"),
    ],
)
def test_a_value_takes_the_form_its_field_wants(value, field, sent):
    spelled = shaped(value, WireField(name="x", **field))
    assert spelled == sent and type(spelled) is type(sent)


def test_only_what_the_offer_accepts_is_said():
    request = a_request(duration_s=5, audio=False)
    assert spell(request, an_offer(accepts={"audio": {}}), DEFAULTS) == {"prompt": "an onion", "sound": False}


def test_width_and_height_are_one_size_where_the_protocol_knows_only_that():
    request, accepts = a_request(width=64, height=32), {"width": {}, "height": {}}
    assert spell(request, an_offer(accepts=accepts), DEFAULTS)["image_size"] == {"width": 64, "height": 32}
    apart = an_offer(accepts=accepts, fields={"width": "w", "height": "h"})
    assert spell(request, apart, DEFAULTS) == {"prompt": "an onion", "w": 64, "h": 32}


def test_two_roles_with_one_list_share_it():
    given = [Input(role="reference", asset="a"), Input(role="style", asset="b"), Input(role="reference", asset="c")]
    offer = an_offer(inputs={"reference": (0, 2), "style": (0, 1)})
    sent = spell(a_request(inputs=given), offer, DEFAULTS)["image_urls"]
    assert [each["$asset"] for each in sent] == ["a", "c", "b"]


def test_a_link_is_passed_on_and_base64_is_not():
    offer = an_offer(inputs={"source": (1, 1)})
    linked = a_request(inputs=[Input(role="source", url="https://example.com/a.png")])
    assert spell(linked, offer, DEFAULTS)["image_url"] == "https://example.com/a.png"
    with pytest.raises(ValueError, match="neither an asset nor a link"):
        spell(a_request(inputs=[Input(role="source", base64="aGk=")]), offer, DEFAULTS)


def test_what_is_fixed_and_what_is_said_win_over_extras():
    offer = an_offer(accepts={"duration_s": {}}, fixed={"safe": True})
    extra = {"p": {"duration": 60, "safe": False, "mood": "blue"}, "q": {"mood": "red"}}
    said = spell(a_request(duration_s=5, extra=extra), offer, DEFAULTS)
    assert said == {"prompt": "an onion", "duration": 5, "safe": True, "mood": "blue"}
    assert own_names(offer, DEFAULTS).items() >= {"duration": "duration_s", "safe": "the offer itself"}.items()
