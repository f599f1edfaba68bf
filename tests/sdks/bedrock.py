"""Amazon's own Python client against the simulated Bedrock: pictures, words, the list of models, refusals.

Run as `python tests/sdks/bedrock.py http://127.0.0.1:PORT`. The simulated Bedrock makes each signature anew.
An API key cannot be tried: the client sends one over https alone.
"""

import base64
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

SIMULATORS = ("bedrock", "bedrock_converse")
ACCESS, SECRET = "AKIDEXAMPLE0123456", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CORE = "stability.stable-image-core-v1:1"


def client(service="bedrock-runtime", access=ACCESS, secret=SECRET, **more):
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client(
        service, region_name="us-west-2", endpoint_url=sys.argv[1], config=once,
        aws_access_key_id=access, aws_secret_access_key=secret, **more,
    )  # fmt: skip


def invoked(model=CORE, runtime=None, **body):
    reply = (runtime or client()).invoke_model(modelId=model, body=json.dumps(body), contentType="application/json")
    return json.loads(reply["body"].read())


def refusal(call):
    """The exception and the status with which a call is refused."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError("not refused")


# Signed, with and without a session's token.
made = invoked(prompt="a cat", aspect_ratio="16:9", output_format="png", seed=7)
assert base64.b64decode(made["images"][0])[:4] == b"\x89PNG" and made["finish_reasons"] == [None]
assert invoked(prompt="a cat", runtime=client(aws_session_token="token"))["images"]
assert CORE in [each["modelId"] for each in client("bedrock").list_foundation_models()["modelSummaries"]]

# What was filtered is a 200; what fails, a 424; what is malformed or ended, 400 and 404.
assert invoked(prompt="a cat [refuse]")["finish_reasons"] == ["Filter reason: prompt"]
assert refusal(lambda: invoked(prompt="a cat [fail]")) == ("ModelErrorException", 424)
assert refusal(lambda: invoked(prompt="a cat", aspect_ratio="16x9")) == ("ValidationException", 400)
assert refusal(lambda: invoked("amazon.nova-canvas-v1:0", prompt="a cat")) == ("ResourceNotFoundException", 404)


# Words, by Converse.
def answered(words):
    asked = [{"role": "user", "content": [{"text": words}]}]
    limits = {"maxTokens": 64, "temperature": 0.5}
    return client().converse(modelId="us.amazon.nova-pro-v1:0", messages=asked, inferenceConfig=limits)


answer = answered("What is a fox?")
assert answer["output"]["message"]["content"][0]["text"] and answer["usage"]["outputTokens"] > 0, answer
assert answered("What is a fox? [refuse]")["stopReason"] == "content_filtered"
assert refusal(lambda: answered("What is a fox? [fail]")) == ("ModelErrorException", 424)

# Somebody else, and a wrong secret.
assert refusal(lambda: invoked(prompt="a cat", runtime=client(access="NO")))[0] == "UnrecognizedClientException"
assert refusal(lambda: invoked(prompt="a cat", runtime=client(secret="no")))[0] == "InvalidSignatureException"
