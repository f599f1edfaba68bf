"""Replicate's own Python client as a receiver: it verifies a webhook of our Replicate door and reads the prediction.

Run as `python tests/sdks_doors/replicate_webhook.py POST.json`: `headers`, `body` and `secret` as they were received.
"""

import json
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [place for place in sys.path if place != here]  # a file there has the client's own name

from replicate.prediction import Prediction  # noqa: E402 - the path comes first
from replicate.webhook import InvalidSignatureError, Webhooks, WebhookSigningSecret  # noqa: E402

with open(sys.argv[1]) as file:
    post = json.load(file)
secret = WebhookSigningSecret(key=post["secret"])
Webhooks.validate(headers=post["headers"], body=post["body"], secret=secret)
try:
    Webhooks.validate(headers=post["headers"], body=post["body"].replace("succeeded", "canceled"), secret=secret)
except InvalidSignatureError:
    pass
else:
    raise AssertionError("a body that was changed is taken for ours")

prediction = Prediction(**json.loads(post["body"]))
assert prediction.status == "succeeded" and prediction.error is None and prediction.completed_at
assert prediction.output and prediction.urls and prediction.urls["get"].endswith(prediction.id)
