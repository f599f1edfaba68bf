"""What a job says of how its request was fitted, when it goes on at another offer."""

import json
from types import SimpleNamespace

from gateway.jobs.drafts import changes_of

SIZE = {"parameter": "width", "asked": 1000, "sent": 1024}
MODEL = {"parameter": "model", "asked": "acme/one", "sent": "acme/two"}


def test_at_another_offer_only_the_replaced_model_of_the_earlier_adjustments_stays_true():
    fitted = SimpleNamespace(resolved_json="{}", adjustments_json=json.dumps([SIZE]))
    earlier = json.dumps([MODEL, SIZE | {"sent": 512}])
    assert json.loads(changes_of(fitted, earlier)["adjustments"]) == [MODEL, SIZE]
    assert json.loads(changes_of(fitted)["adjustments"]) == [SIZE]
