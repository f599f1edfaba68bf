"""The provider's own name for a run, out of the call that asks about it: what an invoice will call it."""

import pytest

from adapters.wire import Call, Done, Pending
from gateway.attempts.rules import REF_CHARS, provider_ref

LETTERS = "gmqorzdhgbfurvjtvhgdckhu"
UUID = "764cabcf-b745-4b3e-ae38-1200304cf45b"


def pending(stage, url, body=None):
    return Pending(call=Call(stage=stage, url=url, json_body=body))


@pytest.mark.parametrize(
    ("submit", "following", "body", "ref"),
    [
        ("/fal-ai/flux-2/pro", f"https://queue.fal.run/fal-ai/flux-2/requests/{UUID}/status?logs=0", None, UUID),
        ("/predictions", "https://api.replicate.com/v1/predictions/gmqorzdhgbfurvjtvhgdckhu", None, LETTERS),
        ("/v1/flux-pro-1.1", f"https://api.us1.bfl.ai/v1/get_result?id={UUID}", None, UUID),
        ("/models/veo-3.1:predictLongRunning", "/models/veo-3.1/operations/8wd2tlxy5xjd", None, "8wd2tlxy5xjd"),
        ("/v1", "/v1", [{"taskType": "getResponse", "taskUUID": UUID}], UUID),
        ("/veo:predictLongRunning", "/veo:fetch", {"operationName": f"projects/p1/operations/{UUID}"}, UUID),
        ("/v1/videos", "/v1/videos/generations", None, None),
        ("/v1/videos", f"/v1/videos/{'a1' * REF_CHARS}", None, None),
        ("/tasks", "/query", {"id": UUID, "model": "m-123456"}, UUID),
    ],
)  # fmt: skip
def test_it_is_the_one_word_that_the_submit_could_not_know(submit, following, body, ref):
    assert provider_ref(pending("submit", submit), pending("status", following, body)) == ref


def test_only_the_first_call_after_the_submit_tells_it():
    status, other = pending("status", f"/jobs/{UUID}"), pending("result", "/jobs/12345678-other")
    assert provider_ref(status, other) is None
    assert provider_ref(pending("submit", "/jobs"), pending("submit", f"/jobs/{UUID}")) is None
    assert provider_ref(pending("submit", "/jobs"), Done(outputs=())) is None
