"""The fal door: fal's own clients in front of it, and what they would never send."""

import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.simulators.media import picture
from tests.stories.house import FINAL, Customer, Gateway, Sandbox, eventually
from tests.stories.libraries import capped, example, node, run_example, run_node, run_python

PICTURES = "podium/sandbox-pictures"
PROMPT = {"prompt": "a red fox", "image_size": {"width": 128, "height": 128}}
PNG = picture(64, 48)


@pytest.fixture
def rich(house: Gateway) -> Customer:
    return house.customer()


def by_proxy(customer: Customer, target: str, method: str = "POST", **more: Any) -> httpx.Response:
    return customer.send(method, "/fal/proxy", headers={"x-fal-target-url": target}, **more)


def ended(customer: Customer, address: str) -> httpx.Response:
    def look() -> httpx.Response | None:
        answer = customer.get(address)
        assert answer.status_code in (200, 202), answer.text
        return answer if answer.status_code == 200 else None

    found: httpx.Response = eventually(look, "the request ends")
    return found


def test_fals_python_client_takes_the_gateway_for_fal(house: Gateway, rich: Customer, tmp_path: Path) -> None:
    poor = house.customer(usd=None)
    run_python("fal.py", tmp_path, house.url, rich.secret, poor.secret, capped(house).secret)


@pytest.mark.skipif(node() is None, reason="no Node, or fal's client is not installed for it: make install")
def test_fals_javascript_client_takes_the_gateway_for_its_proxy(house: Gateway, rich: Customer, tmp_path: Path) -> None:
    run_node("fal.mjs", tmp_path, house.url, rich.secret, house.customer(usd=None).secret)


def test_the_pages_example_for_fals_client_runs(house: Gateway, rich: Customer, tmp_path: Path) -> None:
    told = run_example(example("fal"), tmp_path, PODIUM_URL=house.url, FAL_KEY=rich.secret)
    assert told.startswith(f"{house.url}/v1/assets/"), told


@pytest.mark.skipif(node() is None, reason="no Node, or fal's client is not installed for it: make install")
def test_the_pages_example_for_fals_javascript_client_runs(house: Gateway, rich: Customer, tmp_path: Path) -> None:
    code = example("fal", "javascript")
    script = tmp_path / "example.mjs"
    script.write_text(
        code.replace("process.env.PODIUM_URL", repr(house.url)).replace("process.env.PODIUM_KEY", repr(rich.secret))
    )
    run_node(str(script), tmp_path)


def test_a_request_goes_through_the_queue_with_the_codes_of_fal(rich: Customer) -> None:
    submitted = rich.post(f"/fal/{PICTURES}", PROMPT, x_fal_queue_priority="normal")
    assert submitted.status_code == 200 and submitted.headers["x-podium-decision"].startswith("dec_")
    said = submitted.json()
    assert (said["status"], said["queue_position"], said["logs"], said["metrics"]) == ("IN_QUEUE", 0, None, {})
    at = f"/fal/{PICTURES}/requests/{said['request_id']}"
    assert said["status_url"].endswith(f"{at}/status") and said["response_url"].endswith(at)

    early = rich.get(at)
    assert early.status_code == 400 and early.json()["detail"] == "Request is still in progress"
    assert rich.get(f"{at}/status").status_code == 202

    done = ended(rich, f"{at}/status?logs=1")
    assert done.json()["status"] == "COMPLETED" and "error" not in done.json()
    assert {each["level"] for each in done.json()["logs"]} == {"INFO"}
    result = rich.get(f"{at}/response")
    assert result.headers["x-fal-request-id"] == said["request_id"]
    assert result.headers["x-fal-billable-units"] == "1" and result.headers["x-podium-cost-usd"] == "0.002"
    assert result.json()["images"][0]["width"] == 128
    late = rich.send("PUT", f"{at}/cancel")
    assert (late.status_code, late.json()) == (400, {"status": "ALREADY_COMPLETED"})


def test_a_failed_request_is_completed_and_its_result_is_the_error(rich: Customer) -> None:
    refused = {"podium": {"extra": {"sandbox": {"sandbox": {"refuse": True}}}}}
    made = rich.post(f"/fal/{PICTURES}", PROMPT | refused)
    at = f"/fal/{PICTURES}/requests/{made.json()['request_id']}"
    status = ended(rich, f"{at}/status?logs=true").json()
    assert (status["status"], status["error_type"]) == ("COMPLETED", "content_policy_violation"), status
    assert [each["level"] for each in status["logs"]] == ["INFO", "ERROR"]
    result = rich.get(at)
    assert result.status_code == 422 and result.headers["x-fal-retryable"] == "false"
    assert result.json()["detail"][0]["type"] == "content_policy_violation"

    broken = {"podium": {"fallbacks": 0, "extra": {"sandbox": {"sandbox": {"nonsense": "result"}}}}}
    run = rich.post(f"/fal/run/{PICTURES}", PROMPT | broken)
    assert run.status_code == 502 and run.json()["error_type"] == "runner_incomplete_response", run.text


def test_status_comes_as_a_stream_that_ends_with_the_request(house: Gateway, rich: Customer) -> None:
    at = rich.post(f"/fal/{PICTURES}", PROMPT).json()["status_url"].removeprefix(house.url)
    told = rich.get(f"{at}/stream?logs=0")
    assert told.headers["content-type"].startswith("text/event-stream")
    events = [line for line in told.text.split("\n\n") if line]
    assert all(line.startswith("data: {") for line in events) and '"COMPLETED"' in events[-1], events


def test_a_run_that_outlasts_its_callers_patience_is_stopped(rich: Customer) -> None:
    asked = {"prompt": "a long clip", "duration": 10}
    answer = rich.post("/fal/run/podium/sandbox-clips", asked, x_fal_request_timeout="0.3")
    assert answer.status_code == 504 and answer.headers["x-fal-request-timeout-type"] == "user"
    assert answer.json()["error_type"] == "request_timeout"
    assert rich.job_when(answer.headers["x-podium-job"], lambda job: job["status"] in FINAL)["status"] == "canceled"


REFUSED_TARGETS = {
    "another host": "https://evil.example/podium/auto",
    "a host that begins like fal's": "https://queue.fal.run.evil.example/podium/auto",
    "fal's as a user": "https://queue.fal.run@evil.example/podium/auto",
    "a user at fal's": "https://someone@queue.fal.run/podium/auto",
    "this machine": "http://127.0.0.1:80/podium/auto",
    "plain http": "http://queue.fal.run/podium/auto",
    "another port": "https://queue.fal.run:8443/podium/auto",
    "another scheme": "file:///etc/passwd",
    "no scheme": "//queue.fal.run/podium/auto",
    "no path": "https://queue.fal.run",
    "a way out of the door": "https://queue.fal.run/../v1/keys",
    "the same in disguise": "https://queue.fal.run/%2e%2e/v1/keys",
    "nonsense": "https://[",
}


@pytest.mark.parametrize("target", REFUSED_TARGETS.values(), ids=REFUSED_TARGETS)
def test_the_proxy_refuses_every_address_but_fals(rich: Customer, target: str) -> None:
    answer = by_proxy(rich, target, json=PROMPT)
    assert answer.status_code == 412 and "x-fal-target-url" in answer.json()["detail"], answer.text


def test_the_proxy_is_the_door_itself(house: Gateway, rich: Customer, sandbox: Sandbox) -> None:
    made = by_proxy(rich, f"https://queue.fal.run/{PICTURES}", json=PROMPT)
    assert made.status_code == 200, made.text
    request_id = made.json()["request_id"]
    status = f"https://queue.fal.run/{PICTURES}/requests/{request_id}/status?logs=1"
    done = eventually(
        lambda: (found := by_proxy(rich, status, "GET")).status_code == 200 and found.json(), "the request ends"
    )
    assert done["logs"]
    assert rich.job(request_id)["status"] == "succeeded"
    assert by_proxy(house.customer(), status, "GET").status_code == 404
    assert by_proxy(rich, f"https://queue.fal.run/{PICTURES}", "DELETE").status_code == 405
    nobody = httpx.post(f"{house.url}/fal/proxy", headers={"x-fal-target-url": status}, trust_env=False)
    assert nobody.status_code == 401 and "detail" in nobody.json()
    assert rich.send("POST", "/fal", json=PROMPT).status_code == 400


def test_an_upload_address_takes_one_file_once_and_from_whoever_has_it(house: Gateway, rich: Customer) -> None:
    promised = rich.post("/fal/storage/upload/initiate", {"file_name": "a.png", "content_type": "image/png"}).json()
    upload, put = promised["upload_url"], {"content-type": "image/png"}
    altered = upload.replace(f"key={rich.id}", f"key={house.customer().id}")
    assert httpx.put(altered, content=PNG, headers=put, trust_env=False).status_code == 403
    assert httpx.put(upload, content=b"no picture", headers=put, trust_env=False).status_code == 422
    for _ in range(2):
        assert httpx.put(upload, content=PNG, headers=put, trust_env=False).status_code == 200
    other = httpx.put(upload, content=PNG + b"\0", headers=put, trust_env=False)
    assert other.status_code == 409 and other.json()["error_type"] == "conflict"
    assert httpx.get(promised["file_url"], trust_env=False).content == PNG

    edit = {"prompt": "a blue fox", "image_url": promised["file_url"]}
    assert rich.post(f"/fal/run/{PICTURES}/edit", edit).status_code == 200
    stranger = house.customer().post(f"/fal/run/{PICTURES}/edit", edit)
    assert stranger.status_code == 404, "a link opens an asset; it does not make it one's own"


def in_parts(customer: Customer, claimed: str = "image/png") -> tuple[str, str]:
    """The address of an upload that was begun as the JavaScript client begins it, and what it is signed with."""
    asked = {"file_name": "a.png", "content_type": claimed}
    promised = customer.post("/fal/storage/upload/initiate-multipart", asked).json()
    address, _, signed = promised["upload_url"].partition("?")
    return address, f"?{signed}"


def put(address: str, data: bytes) -> httpx.Response:
    return httpx.put(address, content=data, trust_env=False)


def completed(address: str, parts: Any) -> httpx.Response:
    return httpx.post(address, json={"parts": parts}, trust_env=False)


def test_parts_in_any_order_are_one_file_and_completing_twice_is_once(rich: Customer) -> None:
    address, signed = in_parts(rich)
    answers = [put(f"{address}/{n}{signed}", PNG[(n - 1) * 50 : n * 50 if n < 3 else None]) for n in (3, 1, 2)]
    named = [answer.json() for answer in answers]
    assert [answer.headers["etag"] for answer in answers] == [each["etag"] for each in named]
    first, again = (completed(f"{address}/complete{signed}", named) for _ in range(2))
    assert first.status_code == again.status_code == 200, first.text
    assert httpx.get(first.json()["file_url"], trust_env=False).content == PNG
    assert [each["sha256"] for each in rich.get("/v1/assets").json()["data"]] == [hashlib.sha256(PNG).hexdigest()]
    other = put(f"{address}/1{signed}", b"other").json()
    conflict = completed(f"{address}/complete{signed}", [other | {"partNumber": 1}])
    assert conflict.status_code in (409, 422), "what was completed stays as it is"


def test_parts_that_did_not_come_and_bytes_that_are_something_else_are_refused(rich: Customer) -> None:
    address, signed = in_parts(rich)
    part = put(f"{address}/1{signed}", PNG).json()
    for wrong in (
        [part, {"partNumber": 2, "etag": part["etag"]}], [part | {"etag": "0" * 64}], [part, part], [], None, [{}],
        [part | {"partNumber": "1"}], [part | {"partNumber": 10**400}], [part | {"partNumber": True}],
        [part | {"etag": "ü"}], [part | {"etag": None}],
    ):  # fmt: skip
        assert completed(f"{address}/complete{signed}", wrong).status_code == 422, wrong
    halves = '{"parts": [{"partNumber": 1, "etag": "\\ud800"}]}'
    assert httpx.post(f"{address}/complete{signed}", content=halves, trust_env=False).status_code == 422
    odd = '{"content_type": "\\ud800/ü&x=1"}'
    promised = rich.send("POST", "/fal/storage/upload/initiate-multipart", content=odd).json()["upload_url"]
    assert put(promised.replace("?", "/1?"), PNG).status_code == 200
    for number in (0, 1_001, "x", "../1"):
        assert put(f"{address}/{number}{signed}", PNG).status_code in (401, 403, 404, 422), number
    assert completed(f"{address}/complete{signed}", [part]).status_code == 200
    address, signed = in_parts(rich, "video/mp4")
    part = put(f"{address}/1{signed}", PNG).json()
    said = completed(f"{address}/complete{signed}", [part])
    assert said.status_code == 422 and "video/mp4" in said.text


def test_an_upload_in_parts_is_its_callers_alone(house: Gateway, rich: Customer) -> None:
    address, signed = in_parts(rich)
    part, stranger = put(f"{address}/1{signed}", PNG).json(), house.customer()
    other_address, other_signed = in_parts(stranger)
    for at, with_ in (
        (address, ""), (address, signed.replace(rich.id, stranger.id)), (address, signed[:-1] + "g"),
        (address, other_signed), (other_address, signed), (address, signed.replace("image", "video")),
    ):  # fmt: skip
        assert put(f"{at}/1{with_}", PNG).status_code == 403, with_
        assert completed(f"{at}/complete{with_}", [part]).status_code == 403, with_
    assert completed(f"{other_address}/complete{other_signed}", [part]).status_code == 422, "it has no such part"
    begun = rich.post("/fal/files/upload/multipart").json()
    at = f"{begun['access_url'].removeprefix(house.url)}/multipart/{begun['uploadId']}"
    assert stranger.send("PUT", f"{at}/1", content=PNG).status_code == 403
    assert stranger.post(f"{at}/complete", {"parts": [part]}).status_code == 403
    assert httpx.put(f"{house.url}{at}/1", content=PNG, trust_env=False).status_code == 401
    mine = rich.send("PUT", f"{at}/1", content=PNG)
    assert rich.post(f"{at}/complete", {"parts": [mine.json()]}).status_code == 200
    link = begun["access_url"]
    assert httpx.get(link, trust_env=False, follow_redirects=True).content == PNG
    for altered in (link[:-1] + "g", f"{link[:-65]}0{link[-65:]}", link.rpartition(".")[0]):
        assert httpx.get(altered, trust_env=False).status_code == 403, altered
    edit = {"prompt": "a blue fox", "image_url": link}
    assert stranger.post(f"/fal/run/{PICTURES}/edit", edit).status_code == 404
    assert rich.post(f"/fal/run/{PICTURES}/edit", edit).status_code == 200


def test_another_key_finds_no_request_of_this_one(house: Gateway, rich: Customer) -> None:
    at = f"/fal/{PICTURES}/requests/{rich.post(f'/fal/{PICTURES}', PROMPT).json()['request_id']}"
    stranger = house.customer()
    answers = [stranger.get(f"{at}{part}") for part in ("", "/status", "/status/stream", "/response")]
    answers.append(stranger.send("PUT", f"{at}/cancel"))
    assert [answer.status_code for answer in answers] == [404] * 5
    assert all(isinstance(answer.json()["detail"], str) for answer in answers)


def test_the_same_prompt_is_the_same_job_at_this_door_and_natively(rich: Customer) -> None:
    answer = rich.post(f"/fal/run/{PICTURES}", PROMPT | {"num_images": 2, "seed": 3})
    here = rich.job(answer.headers["x-podium-job"])
    native = rich.done(
        {"task": "text-to-image", "model": PICTURES, "prompt": "a red fox", "width": 128, "height": 128, "count": 2,
         "seed": 3}
    )  # fmt: skip
    same = ("task", "model", "offer", "resolved", "adjustments", "cost", "usage")
    assert {name: here[name] for name in same} == {name: native[name] for name in same}
    assert here.keys() == native.keys()


def test_a_budget_holds_at_this_door(house: Gateway) -> None:
    answer = capped(house).post(f"/fal/{PICTURES}", PROMPT)
    assert answer.status_code == 402 and answer.json()["error_type"] == "over_budget"
    assert answer.headers["x-fal-error-type"] == "over_budget"


def test_a_reader_of_words_who_leaves_stops_them(house: Gateway, rich: Customer) -> None:
    assert house.client is not None
    headers = {"authorization": f"Key {rich.secret}"}
    with house.client.stream(
        "POST", "/fal/run/podium/sandbox-words/stream", json={"prompt": "a long story"}, headers=headers
    ) as told:
        job_id = told.headers["x-podium-job"]
        next(told.iter_text())
    job = rich.finished(job_id)
    assert job["status"] == "canceled", job["status"]
