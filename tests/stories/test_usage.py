"""What jobs cost is in the reports, the statements, the exports and the reconciliation, with nothing lost between."""

import csv
import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.stories.house import ROOT, Gateway

CLIP = {"task": "text-to-video", "prompt": "a red fox runs through snow", "duration_s": 2}
PICTURE = {"task": "text-to-image", "prompt": "a red fox", "width": 512, "height": 512}
WORDS = {"task": "text", "prompt": "why is the sky blue?", "max_tokens": 100}


def podium(house: Gateway, *words: str) -> Any:
    """A command of the operator, on the gateway's own database."""
    environment = os.environ | {"PODIUM_DATABASE_URL": house.database_url, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-m", "gateway.cli", *words, "--json"], cwd=house.folder, env=environment, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_a_clip_a_picture_and_an_answer_are_reported_stated_exported_and_reconciled(house: Gateway) -> None:
    alice = house.customer("5")
    jobs = [alice.done(body) for body in (CLIP, PICTURE, WORDS)]
    clip, picture, words = jobs
    assert clip["compute_units"] > picture["compute_units"] > words["compute_units"] > 0
    whole = sum(Decimal(job["cost"]["cost_usd"]) for job in jobs)

    report = alice.get("/v1/usage?by=task,unit").json()
    assert Decimal(report["total"]["spend_usd"]) == whole and report["total"]["jobs"] == 3
    for job in jobs:
        rows = [row for row in report["data"] if row["task"] == job["task"]]
        said = {line["unit"]: line["quantity"] for line in job["cost"]["lines"]}
        assert {row["unit"]: row["quantity"] for row in rows} == said
        assert sum(Decimal(row["spend_usd"]) for row in rows) == Decimal(job["cost"]["cost_usd"])
        assert sum(row["compute_units"] for row in rows) == job["compute_units"]
    (of_clips,) = [row for row in report["data"] if row["task"] == "text-to-video"]
    assert Decimal(of_clips["video_seconds"]) == 2

    month = f"{datetime.now(UTC):%Y-%m}"
    stated = alice.get(f"/v1/statements/{alice.id}/{month}").json()
    assert stated["ties"] and Decimal(stated["spend_usd"]) == whole
    assert Decimal(stated["closing_usd"]) == alice.balance == 5 - whole
    *lines, closing = csv.DictReader(io.StringIO(alice.get(f"/v1/statements/{alice.id}/{month}?format=csv").text))
    assert sum(Decimal(line["usd"]) for line in lines) == Decimal(closing["usd"])

    place = house.folder / "postings.csv"
    podium(house, "ledger", "export", "-o", str(place))
    with place.open(newline="") as file:
        posted = [row for row in csv.DictReader(file) if row["source"] == f"key:{alice.id}:held"]
    paid = [Decimal(row["usd"]) for row in posted if row["destination"] == "provider:sandbox:payable"]
    assert sum(paid) == whole
    assert podium(house, "ledger", "verify")["ok"] is True


def test_an_invoice_with_one_line_too_dear_is_corrected_once(house: Gateway) -> None:
    alice = house.customer("5")
    jobs = [alice.done(PICTURE | {"prompt": f"fox {number}"}) for number in range(3)]
    attempts = [job["attempts"][0] for job in jobs]
    lines = [
        {"request_id": each["id"], "cost_usd": each["cost_usd"], "timestamp": each["ended_at"]} for each in attempts
    ]
    lines[1] = lines[1] | {"cost_usd": "0.75"}
    invoice = house.folder / "invoice.json"
    invoice.write_text(json.dumps({"data": lines}))
    asked = ("ledger", "reconcile", "--provider", "sandbox", str(invoice))
    found = {each["attempt"]: each for each in podium(house, *asked)["differences"]}
    assert found[attempts[1]["id"]]["kind"] == "another_amount"
    assert attempts[0]["id"] not in found and attempts[2]["id"] not in found

    assert podium(house, *asked, "--post")["posted"] == len(found)
    assert podium(house, *asked, "--post")["differences"] == []
    assert podium(house, "ledger", "verify")["ok"] is True
    assert alice.balance == 5 - sum(Decimal(job["cost"]["cost_usd"]) for job in jobs), "keys never pay for it"
