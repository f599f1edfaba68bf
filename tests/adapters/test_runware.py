"""What transcripts do not tell of Runware: ids of tasks, and where it calls back."""

import uuid

from adapters.dialects import runware
from adapters.schema import MediaRequest, Offer, Task

OFFER = Offer(
    provider="runware", model="m/m", dialect="runware", wire_id="runware:100@1", tasks={Task.TEXT_TO_IMAGE},
    accepts={"seed": {}},
)  # fmt: skip


def task_of(**asked: object) -> dict:
    request = MediaRequest.model_validate({"task": "text-to-image", "prompt": "cat"} | asked)
    [task] = runware.submit(request, OFFER).json_body
    return task


def test_a_tasks_id_looks_random_and_tells_other_content_apart() -> None:
    first, again, other = task_of(), task_of(), task_of(seed=2)
    assert uuid.UUID(first["taskUUID"]).version == 4
    assert first["taskUUID"] == again["taskUUID"] != other["taskUUID"]


def test_it_calls_back_at_an_address_within_the_task_and_under_the_same_id() -> None:
    call = runware.submit(MediaRequest(task=Task.TEXT_TO_IMAGE, prompt="cat"), OFFER)
    [task] = runware.called_back(call, "https://here.example/in").json_body
    assert task == task_of() | {"webhookURL": "https://here.example/in"}
