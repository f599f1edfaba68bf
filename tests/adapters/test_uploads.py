"""Inputs that are uploaded first: one turn after another, until nothing in the submit waits any more."""

import json

from hypothesis import given, strategies as st

from adapters import uploads
from adapters.wire import Call, Pending, asset_ref

ASSETS = st.lists(st.sampled_from(["ast_1", "ast_2", "ast_3"]), max_size=5)


def begin(asset):
    return Call(stage="upload", url="/uploads", json_body={"name": asset_ref(asset, "name")}, memo={"own": asset})


def restarted(call):
    return Call.model_validate_json(call.model_dump_json())


@given(assets=ASSETS, linked=ASSETS)
def test_every_asset_is_uploaded_once_in_order_and_its_name_stands_wherever_it_belongs(assets, linked):
    inline = [asset_ref(asset, "data_uri") for asset in linked]
    body = {"prompt": "a fox", "inline": inline, "deep": [{"image": asset_ref(each, "uploaded")} for each in assets]}
    submit = Call(stage="submit", url="/jobs", json_body=body, headers={"x": "1"}, memo={"poll_s": 2})
    call, seen = uploads.first(submit, begin), []
    while call.stage == "upload":
        asset = call.json_body["name"]["$asset"]
        assert call.memo["own"] == asset
        seen.append(asset)
        put = uploads.carried(restarted(call), Call(stage="upload", method="PUT", url="/put", asset=asset))
        pending = uploads.uploaded(restarted(put), f"theirs://{asset}", begin)
        assert isinstance(pending, Pending) and pending.wait_s == 0
        call = restarted(pending.call)
    assert seen == list(dict.fromkeys(assets))
    done = body | {"deep": [{"image": f"theirs://{each}"} for each in assets]}
    assert call == submit.model_copy(update={"json_body": done})


def test_what_needs_no_upload_is_the_submit_itself():
    submit = Call(stage="submit", url="/jobs", json_body={"image": asset_ref("ast_1", "link")})
    assert uploads.first(submit, begin) is submit
    assert uploads.first(Call(stage="submit", url="/jobs"), begin).json_body is None


def test_the_memo_of_an_upload_can_be_stored():
    submit = Call(stage="submit", url="/jobs", json_body={"image": asset_ref("ast_1", "uploaded")})
    assert json.loads(uploads.first(submit, begin).model_dump_json())["memo"]["own"] == "ast_1"
