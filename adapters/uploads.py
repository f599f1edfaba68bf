"""Inputs that a provider wants in its own storage first: turns before the submit, one input at a time. Pure.

A dialect builds its submit as ever, with `asset_ref(id, "uploaded")` where an input belongs, and hands it to `first`.
"""

from collections.abc import Callable, Iterator

from pydantic import JsonValue

from adapters.wire import ASSET_KEY, Call, Pending

Begin = Callable[[str], Call]
"""Asset id → the first call that brings it to the provider's storage. Its `memo` is free for the dialect."""

SUBMIT = "submit_later"
ASSET = "upload_asset"


def first(submit: Call, begin: Begin) -> Call:
    """The submit itself if nothing in it must be uploaded, else the call that begins the first upload."""
    asset = next(_waiting(submit.json_body), None)
    if asset is None:
        return submit
    call = begin(asset)
    return call.model_copy(update={"memo": call.memo | {SUBMIT: submit.model_dump(mode="json"), ASSET: asset}})


def submit_of(call: Call) -> Call:
    """The submit that a first call is, or that waits for its uploads."""
    return Call.model_validate(call.memo[SUBMIT]) if SUBMIT in call.memo else call


def carried(call: Call, onward: Call) -> Call:
    """A later call of the same upload: it carries along what waits for the upload."""
    waiting = {name: call.memo[name] for name in (SUBMIT, ASSET)}
    return onward.model_copy(update={"memo": onward.memo | waiting})


def uploaded(call: Call, link: str, begin: Begin) -> Pending:
    """An input is there, under `link` (or whatever name the provider gave it): on to the next one, or to the submit."""
    submit = submit_of(call)
    placed = submit.model_copy(update={"json_body": _placed(submit.json_body, str(call.memo[ASSET]), link)})
    return Pending(call=first(placed, begin), provider_status="uploaded")


def _waiting(value: JsonValue) -> Iterator[str]:
    """The assets that a body still waits for, in order."""
    if isinstance(value, list):
        for each in value:
            yield from _waiting(each)
    elif isinstance(value, dict) and ASSET_KEY in value:
        if value.get("form") == "uploaded":
            yield str(value[ASSET_KEY])
    elif isinstance(value, dict):
        for each in value.values():
            yield from _waiting(each)


def _placed(value: JsonValue, asset: str, link: str) -> JsonValue:
    if isinstance(value, list):
        return [_placed(each, asset, link) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get(ASSET_KEY) == asset and value.get("form") == "uploaded":
        return link
    return {name: _placed(each, asset, link) for name, each in value.items()}
