"""Our own client, sync and async, against a real gateway."""

import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from gateway.client import AsyncPodium, JobFailed, Podium, PodiumError
from tests.stories.cards import CHEAP
from tests.stories.house import ROOT, Gateway, child_environment
from tests.stories.rush import DRAFT
from tests.stories.upstreams import Upstream, picture, status

WORDS = {"task": "text", "prompt": "a tale of a fox", "model": "podium/sandbox-words", "max_tokens": 40}
NORTH = {"task": "text-to-image", "prompt": "a lighthouse", "routing": {"only": ["north"]}}


def test_a_picture_is_made_waited_for_and_brought_home(town: Gateway, tmp_path: Path) -> None:
    alice = town.customer("1")
    with Podium(town.url, alice.secret) as podium:
        job = podium.generate(**DRAFT)
        file = podium.download(job.outputs[0], tmp_path / "boat.png")
        assert file.read_bytes().startswith(b"\x89PNG") and job.outputs[0].size_bytes == file.stat().st_size
        assert job.cost.cost_usd == Decimal("0.0005") and podium.job(job.id) == job
        assert podium.route(**DRAFT)["ranked"][0]["offer"] == job.offer


def test_words_come_as_they_are_written_and_are_the_jobs_own(town: Gateway) -> None:
    alice = town.customer("1")
    with Podium(town.url, alice.secret) as podium:
        words = list(podium.stream(**WORDS))
        [job] = alice.get("/v1/jobs").json()["data"]
        assert "".join(words) == job["outputs"][0]["text"]


def test_a_key_makes_one_job_and_a_quote_its_price(town: Gateway) -> None:
    alice = town.customer("1")
    with Podium(town.url, alice.secret) as podium:
        quote = podium.quote(**NORTH)
        first = podium.submit(idempotency_key="mine", quote=quote.id, **NORTH)
        assert podium.submit(idempotency_key="mine", quote=quote.id, **NORTH).id == first.id
        assert podium.wait(first.id).cost.cost_usd == quote.quote_usd == Decimal(CHEAP)


def test_an_uploaded_picture_is_an_input(town: Gateway, tmp_path: Path) -> None:
    (tmp_path / "teal.png").write_bytes(picture())
    alice = town.customer("1")
    with Podium(town.url, alice.secret) as podium:
        asset = podium.upload(tmp_path / "teal.png")
        assert asset.mime == "image/png"
        job = podium.generate(
            task="image-edit", prompt="a hat", model="podium/sandbox-pictures",
            inputs=[{"role": "source", "asset": asset.id}], strict=False,
        )  # fmt: skip
        assert job.outputs


def test_a_refusal_is_an_error_with_the_gateways_own_words(town: Gateway, upstream: Upstream) -> None:
    alice = town.customer(None)
    with Podium(town.url, alice.secret) as podium:
        with pytest.raises(PodiumError, match="fund it") as refusal:
            podium.generate(**DRAFT)
        assert (refusal.value.code, refusal.value.status) == ("insufficient_funds", 402)
    with Podium(town.url, "pk_wrong") as stranger, pytest.raises(PodiumError) as unknown:
        stranger.job("job_1")
    assert unknown.value.code == "unauthorized"


def test_a_job_that_fails_is_an_error_with_the_job(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("north", status(400, {"message": "seed must be prime"}))
    with Podium(town.url, town.customer("1").secret) as podium, pytest.raises(JobFailed, match="prime") as failure:
        podium.generate(**NORTH)
    assert failure.value.job.status == "failed" and failure.value.code == "invalid_request"


def test_nobody_there_is_an_error_after_some_tries() -> None:
    with Podium("http://127.0.0.1:9", "pk_any") as podium, pytest.raises(httpx.TransportError):
        podium.job("job_1")


def test_the_documents_examples_run(house: Gateway, tmp_path: Path) -> None:
    variables = {
        "PODIUM_URL": house.url,
        "PODIUM_KEY": house.customer("1").secret,
    }
    page = (ROOT / "docs" / "client.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        ran = subprocess.run(
            [sys.executable, "-c", example], cwd=tmp_path, env=child_environment(**variables), capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        assert ran.returncode == 0 and ran.stdout, ran.stderr
    assert (tmp_path / "fox.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.anyio
async def test_the_asynchronous_client_does_the_same(town: Gateway, tmp_path: Path) -> None:
    (tmp_path / "teal.png").write_bytes(picture())
    alice = town.customer("1")
    async with AsyncPodium(town.url, alice.secret) as podium:
        job = await podium.generate(**DRAFT)
        file = await podium.download(job.outputs[0], tmp_path / "boat.png")
        assert file.read_bytes().startswith(b"\x89PNG")
        assert "".join([words async for words in podium.stream(**WORDS)])
        assert (await podium.upload(tmp_path / "teal.png")).id
        begun = await podium.submit(**DRAFT)
        assert (await podium.wait(begun.id)).status == "succeeded" == (await podium.job(begun.id)).status
        assert (await podium.cancel(begun.id)).status == "succeeded"
        quote = await podium.quote(**DRAFT)
        assert (await podium.route(**DRAFT))["ranked"] and quote.quote_usd > 0
        with pytest.raises(PodiumError):
            await podium.generate(task="text-to-image")
