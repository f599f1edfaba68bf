"""What transcripts do not tell of Runware: ids of tasks, and where it calls back."""

import uuid

from adapters.dialects import runware
from adapters.schema import MediaRequest, Offer, Task
from adapters.wire import addressed

OFFER = Offer(
    provider="runware", model="m/m", dialect="runware", wire_id="runware:100@1", tasks={Task.TEXT_TO_IMAGE},
    accepts={"seed": {}},
)  # fmt: skip
CAT = MediaRequest(task=Task.TEXT_TO_IMAGE, prompt="cat")


def test_a_tasks_id_is_its_attempts_own_however_often_it_is_sent() -> None:
    [first], [again], [other] = (
        addressed(runware.submit(CAT, OFFER), attempt).json_body for attempt in ("att_1", "att_1", "att_2")
    )
    assert uuid.UUID(first["taskUUID"]).version == 4
    assert first["taskUUID"] == again["taskUUID"] != other["taskUUID"]


def test_it_calls_back_at_an_address_within_the_task() -> None:
    call = runware.submit(CAT, OFFER)
    [task] = runware.called_back(call, "https://here.example/in").json_body
    assert task == call.json_body[0] | {"webhookURL": "https://here.example/in"}
