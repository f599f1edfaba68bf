"""What transcripts do not tell of Luma: where it calls back."""

from adapters.dialects import luma
from adapters.schema import MediaRequest, Offer
from tests.simulators.checks import faults
from tests.simulators.luma import VIDEO


def test_it_is_told_where_to_call_back_in_a_body_that_stays_valid() -> None:
    offer = Offer(provider="luma", model="luma/ray-2", dialect="luma", wire_id="ray-2", tasks={"text-to-video"})
    submit = luma.submit(MediaRequest(task="text-to-video", prompt="cat"), offer)
    told = luma.called_back(submit, "https://here.example/in")
    assert told.json_body == {"prompt": "cat", "model": "ray-2", "callback_url": "https://here.example/in"}
    assert not faults(told.json_body, VIDEO, ("model",))
