"""What transcripts do not tell of Runway: the account's own list of models, and which runs can be stopped."""

import httpx

from adapters.dialects import runway
from adapters.wire import Call, Listing, Reply
from tests.simulators.runway import KEY, SIMULATED, VERSION
from tests.simulators.server import Server


def test_the_list_names_what_the_account_may_use() -> None:
    headers = {"authorization": f"Bearer {KEY}", "x-runway-version": VERSION}
    call = runway.list_models()
    with Server(*SIMULATED) as server:
        answer = httpx.request(call.method, server.url + call.url, headers=headers)
    listed = runway.read_models(call, Reply(answer.status_code, {}, answer.content))
    assert Listing(wire_id="gen4.5") in listed.models and listed.next is None


def test_a_run_can_be_stopped_once_it_has_begun() -> None:
    upload = Call(stage="upload", url="/v1/uploads")
    assert runway.cancel(upload) is None
    stop = runway.cancel(Call(stage="status", method="GET", url="/v1/tasks/t1"))
    assert stop is not None and (stop.method, stop.url) == ("DELETE", "/v1/tasks/t1")
