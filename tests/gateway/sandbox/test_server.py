"""The sandbox over real HTTP: the life of a request, restarts, idempotency, and every way it can go wrong."""

import base64
import contextlib
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import av
import httpx
import pytest
from PIL import Image

from adapters.capabilities import fit
from adapters.registry import CATALOG_DIR, DIALECTS, load_card
from adapters.schema import MediaRequest, Task
from adapters.wire import Done, Pending, Reply
from gateway.sandbox.pictures import draw, encode
from gateway.sandbox.process import NotStarted, start

PNG = "data:image/png;base64," + base64.b64encode(encode(draw("castle", 1, 96, 96), "png")).decode()
SMALL = {"image_size": {"width": 96, "height": 64}}
names = itertools.count()


@contextlib.contextmanager
def serving(data_dir, *more):
    """A sandbox as a process of its own, with a client that talks to it; killed at the end."""
    command = [sys.executable, "-m", "gateway.sandbox", "--port", "0", "--data-dir", str(data_dir), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            line = process.stdout.readline()
            assert line.startswith("sandbox listening on http://127.0.0.1:")
            with httpx.Client(base_url=line.split()[-1], timeout=10) as client:
                client.pid = process.pid
                yield client
        finally:
            process.kill()


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("sandbox")) as client:
        yield client


def submitted(client, endpoint="sandbox/pictures", headers=None, **body):
    answer = client.post(f"/{endpoint}", json={"prompt": f"a fox, number {next(names)}"} | body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def completed(client, ticket, limit_s=20):
    deadline = time.monotonic() + limit_s
    while (status := client.get(ticket["status_url"])).status_code == 202:
        assert time.monotonic() < deadline, status.text
        time.sleep(0.03)
    assert status.status_code == 200 and status.json()["status"] == "COMPLETED"
    return status.json()


def rendered(client, endpoint, **body):
    ticket = submitted(client, endpoint, **body)
    completed(client, ticket)
    answer = client.get(ticket["response_url"])
    assert answer.status_code == 200, answer.text
    return answer


def picture_at(client, url):
    answer = client.get(url)
    assert answer.status_code == 200
    picture = Image.open(io.BytesIO(answer.content))
    picture.load()
    return answer.headers["content-type"], picture


def submits_of(client, ticket):
    seen = client.get("/sandbox/requests").json()["data"]
    return [each["submits"] for each in seen if each["request_id"] == ticket["request_id"]]


def test_a_picture_goes_through_the_whole_queue(client):
    ticket = submitted(client, "sandbox/pictures/draft", **SMALL, num_images=2, seed=5)
    assert ticket["status"] == "IN_QUEUE" and ticket["queue_position"] >= 0 and ticket["logs"] is None
    assert ticket["status_url"] == f"{client.base_url}/sandbox/pictures/requests/{ticket['request_id']}/status"
    status = completed(client, ticket)
    assert "error" not in status and status["metrics"]["inference_time"] > 0 and status["logs"] is None
    answer = client.get(ticket["response_url"])
    assert answer.headers["x-fal-request-id"] == ticket["request_id"]
    assert answer.headers["x-fal-billable-units"] == "2"
    body = answer.json()
    assert (body["seed"], body["sandbox"], len(body["images"])) == (5, True, 2)
    for entry in body["images"]:
        kind, picture = picture_at(client, entry["url"])
        assert kind == entry["content_type"] == "image/png"
        assert picture.size == (entry["width"], entry["height"]) == (96, 64)
        assert int(client.head(entry["url"]).headers["content-length"]) == entry["file_size"]


def test_the_status_is_also_found_at_the_path_that_clients_rebuild_and_shows_logs(client):
    ticket = submitted(client, **SMALL)
    completed(client, ticket)
    here = f"/sandbox/pictures/requests/{ticket['request_id']}"
    assert client.get(f"{here}/status?logs=true").json()["logs"][-1]["message"] == "done"
    assert client.get(f"{here}/status?logs=0").json()["logs"] is None
    assert client.get(here).json() == client.get(f"{here}/response").json()
    assert client.get(f"/sandbox/clips/requests/{ticket['request_id']}/status").status_code == 404


def test_links_are_built_from_the_host_that_was_asked(client):
    answer = client.post("/sandbox/pictures", json={"prompt": "x", **SMALL}, headers={"host": "media.test:81"})
    assert answer.json()["status_url"].startswith("http://media.test:81/sandbox/pictures/requests/")


def test_the_same_seed_gives_the_same_bytes_and_none_gives_one_of_its_own(client):
    one, again = (rendered(client, "sandbox/pictures", prompt="a fox", seed=3, **SMALL).json() for _ in range(2))
    assert client.get(one["images"][0]["url"]).content == client.get(again["images"][0]["url"]).content
    own = [rendered(client, "sandbox/pictures", prompt="a fox", **SMALL).json()["seed"] for _ in range(2)]
    assert own[0] != own[1]


@pytest.mark.parametrize("link", ["data", "http"])
def test_a_given_picture_is_edited_whether_it_comes_inside_or_as_a_link(client, link):
    if link == "http":
        first = rendered(client, "sandbox/pictures", **SMALL).json()["images"][0]["url"]
    body = rendered(client, "sandbox/pictures/edit", prompt="sepia", image_url=PNG if link == "data" else first).json()
    _, picture = picture_at(client, body["images"][0]["url"])
    assert picture.size == ((96, 96) if link == "data" else (96, 64))


def test_inpainting_and_upscaling_use_the_given_picture(client):
    mask = Image.new("L", (96, 96), 0)
    mask.paste(255, (20, 20, 60, 60))
    sink = io.BytesIO()
    mask.save(sink, "PNG")
    link = "data:image/png;base64," + base64.b64encode(sink.getvalue()).decode()
    inpainted = rendered(client, "sandbox/pictures/inpaint", image_url=PNG, mask_url=link).json()["images"][0]
    _, picture = picture_at(client, inpainted["url"])
    assert picture.getpixel((5, 5)) == draw("castle", 1, 96, 96).getpixel((5, 5))
    larger = rendered(client, "sandbox/pictures/upscale", prompt="", image_url=PNG, scale=1.5, output_format="webp")
    assert picture_at(client, larger.json()["images"][0]["url"])[1].size == (144, 144)


def test_a_clip_is_rendered_as_long_and_as_large_as_asked(client):
    answer = rendered(client, "sandbox/clips/draft", resolution="360p", aspect_ratio="1:1", duration=1, fps=10)
    assert answer.headers["x-fal-billable-units"] == "1"
    entry = answer.json()["video"]
    with av.open(io.BytesIO(client.get(entry["url"]).content)) as box:
        video = box.streams.video[0]
        assert (video.frames, video.width, video.height) == (10, 360, 360)
    assert entry["content_type"] == "video/mp4"


def test_a_clip_from_a_picture_has_the_shape_of_the_picture(client):
    wide = encode(draw("castle", 1, 128, 64), "png")
    link = "data:image/png;base64," + base64.b64encode(wide).decode()
    body = rendered(client, "sandbox/clips/image-to-video", image_url=link, resolution="360p", duration=1, fps=8).json()
    with av.open(io.BytesIO(client.get(body["video"]["url"]).content)) as box:
        assert (box.streams.video[0].width, box.streams.video[0].height) == (720, 360)


def test_words_come_through_the_queue_with_their_counts(client):
    body = rendered(
        client, "sandbox/words", messages=[{"role": "user", "content": "describe a whale"}], prompt=""
    ).json()
    assert "whale" in body["output"] and body["sandbox"] is True
    assert body["usage"]["output_tokens"] == len(body["output"].split())


def events_of(client, path, **body):
    with client.stream("POST" if body else "GET", path, json=body or None) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        return [json.loads(line[5:]) for line in answer.iter_lines() if line.startswith("data:")]


def test_words_are_streamed_as_they_grow_and_end_with_the_counts(client):
    *parts, last = events_of(client, "/sandbox/words/stream", prompt="a fox in snow", max_tokens=9)
    assert [len(part["output"].split()) for part in parts] == list(range(1, 10))
    assert "".join(part["delta"] for part in parts) == last["output"]
    assert last["usage"]["output_tokens"] == 9 and last["partial"] is False and all(part["partial"] for part in parts)


def test_the_status_stream_ends_when_the_request_is_completed(client):
    ticket = submitted(client, **SMALL, sandbox={"delay_s": 0.4})
    seen = events_of(client, ticket["status_url"] + "/stream?logs=1")
    assert [each["status"] for each in seen][-1] == "COMPLETED"
    assert {"IN_PROGRESS"} <= {each["status"] for each in seen}


def test_progress_rises_while_a_delayed_request_waits(client):
    ticket = submitted(client, **SMALL, sandbox={"delay_s": 0.6})
    seen = []
    while (status := client.get(ticket["status_url"])).status_code == 202:
        seen.append(status.json().get("progress", 0))
        time.sleep(0.1)
    assert seen == sorted(seen) and 0.3 < max(seen) < 1
    assert client.get(ticket["response_url"]).status_code == 200


def test_an_unfinished_request_has_no_result_yet(client):
    ticket = submitted(client, sandbox={"hang": True})
    assert client.get(ticket["response_url"]).status_code == 400
    assert client.put(ticket["cancel_url"]).json()["status"] in ("OK", "CANCELLATION_REQUESTED")


def test_a_cancelled_request_ends_as_cancelled_and_a_finished_one_cannot_be(client):
    ticket = submitted(client, sandbox={"hang": True})
    while client.get(ticket["status_url"]).json()["status"] == "IN_QUEUE":
        time.sleep(0.02)
    answer = client.put(ticket["cancel_url"])
    assert (answer.status_code, answer.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    assert completed(client, ticket)["error_type"] == "client_cancelled"
    assert client.get(ticket["response_url"]).status_code == 499
    again = client.put(ticket["cancel_url"])
    assert (again.status_code, again.json()) == (400, {"status": "ALREADY_COMPLETED"})
    unknown = client.put("/sandbox/pictures/requests/nothing/cancel")
    assert (unknown.status_code, unknown.json()) == (404, {"status": "NOT_FOUND"})


def test_an_unknown_field_is_refused_in_fals_words_at_the_result(client):
    ticket = submitted(client, bogus=1)
    assert completed(client, ticket)["error_type"] == "extra_forbidden"
    answer = client.get(ticket["response_url"])
    assert answer.status_code == 422
    detail = answer.json()["detail"][0]
    assert detail["loc"] == ["body", "bogus"] and {"msg", "type", "url"} <= detail.keys()


@pytest.mark.parametrize(
    ("endpoint", "body", "kind"),
    [
        ("sandbox/pictures", {"image_size": {"width": 32, "height": 64}}, "greater_than_equal"),
        ("sandbox/pictures", {"output_format": "gif"}, "one_of"),
        ("sandbox/pictures/edit", {}, "value_error"),
        ("sandbox/pictures/edit", {"image_url": "data:image/png;base64,AAAA"}, "image_load_error"),
        ("sandbox/pictures/edit", {"image_url": "http://169.254.169.254/latest"}, "file_download_error"),
        ("sandbox/pictures/edit", {"image_url": "file:///etc/passwd"}, "file_download_error"),
        ("sandbox/clips", {"duration": 11}, "less_than_equal"),
        ("sandbox/words", {"prompt": ""}, "value_error"),
    ],
)
def test_bad_input_is_named(client, endpoint, body, kind):
    ticket = submitted(client, endpoint, **body)
    completed(client, ticket)
    answer = client.get(ticket["response_url"])
    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, kind)


def test_a_link_that_leads_elsewhere_is_not_followed(client):
    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("location", "http://169.254.169.254/")
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        ticket = submitted(client, "sandbox/pictures/edit", image_url=f"http://127.0.0.1:{server.server_port}/a.png")
        completed(client, ticket)
        thread.join()
    assert client.get(ticket["response_url"]).json()["detail"][0]["type"] == "file_download_error"


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"prompt": "x", "sandbox": {"explode": true}}'])
def test_a_body_that_is_no_input_is_refused_at_once(client, content):
    answer = client.post("/sandbox/pictures", content=content)
    assert answer.status_code == 422 and answer.json()["detail"]


def test_unknown_endpoints_files_and_requests_are_not_found(client):
    assert client.post("/sandbox/nothing", json={"prompt": "x"}).status_code == 404
    assert client.get("/files/..%2Frequests").status_code == 404
    assert client.get("/files/nothing.png").status_code == 404
    assert client.get("/sandbox/pictures/requests/nothing").status_code == 404


def progress_of(client, dialect, call):
    """One turn of the dialect: the call sent, the reply read."""
    answer = client.request(call.method, call.url, json=call.json_body)
    return dialect.read(call, Reply(status=answer.status_code, headers=answer.headers, body=answer.content))


@pytest.mark.parametrize(
    ("model", "task", "more", "unit", "mime"),
    [
        ("podium/sandbox-pictures", Task.TEXT_TO_IMAGE, {"width": 96, "height": 64}, "fal_billable_unit", "image/png"),
        ("podium/sandbox-words", Task.TEXT, {}, "output_token", "text/plain"),
    ],
)
def test_the_cards_dialect_takes_a_request_from_submit_to_done(client, model, task, more, unit, mime):
    card = load_card(CATALOG_DIR / "providers" / "sandbox.yaml")
    offer = next(offer for offer in card.offers if offer.model == model).for_task(task)
    request = fit(MediaRequest(task=task, prompt="a fox", **more), offer).request
    dialect = DIALECTS[offer.dialect]
    progress = progress_of(client, dialect, dialect.submit(request, offer))
    for _ in range(400):
        if not isinstance(progress, Pending):
            break
        time.sleep(0.02)
        progress = progress_of(client, dialect, progress.call)
    assert isinstance(progress, Done) and progress.usage[unit] > 0
    assert [output.mime for output in progress.outputs] == [mime]


def test_the_same_idempotency_key_is_the_same_request(client):
    headers = {"idempotency-key": f"key-{next(names)}"}
    one = submitted(client, headers=headers, **SMALL)
    completed(client, one)
    again = submitted(client, headers=headers, **SMALL)
    assert again["request_id"] == one["request_id"]
    assert submits_of(client, one) == [2]
    assert client.get(one["status_url"]).json()["status"] == "COMPLETED"


@pytest.mark.parametrize(("fail", "kind"), [("500", "internal_error"), ("503", "runner_scheduling_failure")])
def test_told_to_fail_the_submit_answers_so(client, fail, kind):
    answer = client.post("/sandbox/pictures", json={"prompt": "x", "sandbox": {"fail": fail}})
    assert (answer.status_code, answer.json()["error_type"]) == (int(fail), kind)
    assert answer.headers["x-fal-error-type"] == kind
    refused = client.post("/sandbox/pictures", json={"prompt": "x", "sandbox": {"fail": "422"}})
    assert (refused.status_code, refused.json()["detail"][0]["type"]) == (422, "value_error")


@pytest.mark.parametrize("endpoint", ["sandbox/pictures", "sandbox/words"])
def test_told_to_end_in_an_error_or_a_refusal_the_result_says_so(client, endpoint):
    broken = submitted(client, endpoint, sandbox={"fail": "error"})
    status = completed(client, broken)
    assert (status["error"], status["error_type"]) == ("Runner disconnected", "runner_disconnected")
    assert client.get(broken["response_url"]).status_code == 503
    refused = submitted(client, endpoint, sandbox={"refuse": True})
    assert completed(client, refused)["error_type"] == "content_policy_violation"
    answer = client.get(refused["response_url"])
    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, "content_policy_violation")
    assert answer.headers["x-fal-retryable"] == "false"


def test_told_to_vanish_a_request_is_accepted_and_then_unknown(client):
    ticket = submitted(client, **SMALL, sandbox={"vanish": True})
    assert client.get(ticket["status_url"]).status_code == client.get(ticket["response_url"]).status_code == 404


def test_a_dropped_submit_was_accepted_and_the_same_key_finds_it(client):
    headers, body = {"idempotency-key": f"key-{next(names)}"}, {"prompt": "x", **SMALL, "sandbox": {"drop": "submit"}}
    with pytest.raises(httpx.TransportError):
        client.post("/sandbox/pictures", json=body, headers=headers)
    ticket = client.post("/sandbox/pictures", json=body, headers=headers).json()
    assert submits_of(client, ticket) == [2]
    assert completed(client, ticket)


@pytest.mark.parametrize("stage", ["status", "result"])
def test_a_dropped_answer_comes_when_asked_again(client, stage):
    ticket = submitted(client, "sandbox/words", sandbox={"drop": stage, "times": 2})
    url = ticket["status_url" if stage == "status" else "response_url"]
    if stage == "result":
        completed(client, ticket)
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            client.get(url)
    assert client.get(url).status_code in (200, 202)


def test_nonsense_is_a_page_where_json_should_be(client):
    for stage in ("submit", "status", "result"):
        body = {"prompt": "x", "sandbox": {"nonsense": stage}}
        answer = client.post("/sandbox/words", json=body)
        if stage != "submit":
            ticket = answer.json()
            while stage == "result" and client.get(ticket["status_url"]).status_code == 202:
                time.sleep(0.02)
            answer = client.get(ticket["status_url" if stage == "status" else "response_url"])
        assert answer.status_code == 200 and answer.text.startswith("<!doctype html>")


def test_the_first_submits_are_turned_away_when_told_so(client):
    body = {"prompt": "wait for it", **SMALL, "sandbox": {"rate_limit": 2}}
    answers = [client.post("/sandbox/pictures", json=body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "1"


def test_a_huge_result_declares_more_than_ten_gigabytes_and_keeps_coming(client):
    ticket = submitted(client, "sandbox/words", sandbox={"huge": True})
    completed(client, ticket)
    with client.stream("GET", ticket["response_url"]) as answer:
        assert int(answer.headers["content-length"]) > 10 * 10**9
        taken = sum(len(chunk) for chunk in itertools.islice(answer.iter_raw(2**20), 20))
    assert taken >= 20 * 2**20
    assert client.get(ticket["status_url"]).status_code == 200


def test_broken_media_cannot_be_opened_and_a_short_clip_is_half_as_long(client):
    broken = rendered(client, "sandbox/pictures", **SMALL, sandbox={"broken": True}).json()["images"][0]
    with pytest.raises(OSError, match="truncated"):
        picture_at(client, broken["url"])
    short = rendered(client, "sandbox/clips", resolution="360p", duration=2, fps=8, sandbox={"short": True})
    assert short.headers["x-fal-billable-units"] == "1"
    with av.open(io.BytesIO(client.get(short.json()["video"]["url"]).content)) as box:
        assert box.streams.video[0].frames == 8


def test_a_body_over_the_limit_is_refused(client):
    def chunks():
        for _ in range(66):
            yield b" " * 2**20

    with contextlib.suppress(httpx.TransportError):
        assert client.post("/sandbox/pictures", content=chunks()).status_code == 413
    assert client.get("/sandbox/requests").status_code == 200


def test_after_kill_9_known_requests_are_answered_and_unfinished_ones_rendered_anew(tmp_path):
    headers = {"idempotency-key": "one"}
    with serving(tmp_path) as client:
        done = submitted(client, headers=headers, **SMALL)
        completed(client, done)
        before = client.get(done["response_url"]).json()
        open_one = submitted(client, **SMALL, sandbox={"delay_s": 0.5})
        os.kill(client.pid, signal.SIGKILL)
    with serving(tmp_path) as client:
        here = f"/sandbox/pictures/requests/{done['request_id']}"
        assert client.get(f"{here}/status").status_code == 200
        after = client.get(here).json()
        assert after["seed"] == before["seed"]
        assert after["images"][0]["file_name"] == before["images"][0]["file_name"]
        assert client.get(after["images"][0]["url"]).status_code == 200
        assert submitted(client, headers=headers, **SMALL)["request_id"] == done["request_id"]
        assert submits_of(client, done) == [2]
        completed(client, {"status_url": f"/sandbox/pictures/requests/{open_one['request_id']}/status"})
        assert client.get(f"/sandbox/pictures/requests/{open_one['request_id']}").json()["images"]


def has_ended(pid):
    """Gone, or a zombie that nobody has yet waited for."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_for_end(pid, limit_s=8):
    deadline = time.monotonic() + limit_s
    while not has_ended(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [int(each) for each in children.read().split()]


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux_only
def test_the_sandbox_ends_when_its_parent_is_gone(tmp_path):
    with (
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as parent,
        serving(tmp_path, "--parent-pid", str(parent.pid)) as client,
    ):
        assert not has_ended(client.pid)
        parent.communicate(b"\n")
        wait_for_end(client.pid)


@linux_only
def test_the_render_process_does_not_outlive_a_killed_sandbox(tmp_path):
    with serving(tmp_path) as client:
        completed(client, submitted(client, **SMALL))
        workers = children_of(client.pid)
        assert workers
        os.kill(client.pid, signal.SIGKILL)
        for pid in workers:
            wait_for_end(pid)


@pytest.mark.anyio
async def test_a_started_sandbox_is_ready_and_stops(tmp_path):
    running = await start("127.0.0.1", 0, tmp_path)
    async with httpx.AsyncClient(base_url=running.base_url) as client:
        assert (await client.get("/sandbox/requests")).json() == {"data": []}
        assert (await client.post("/sandbox/pictures", json={"prompt": "x"})).status_code == 200
    began = time.monotonic()
    await running.stop()
    assert running.process.returncode is not None and time.monotonic() - began < 3
    await running.stop()


@pytest.mark.anyio
async def test_a_sandbox_that_cannot_start_says_so(tmp_path):
    taken = tmp_path / "file"
    taken.write_text("not a folder")
    with pytest.raises(NotStarted):
        await start("127.0.0.1", 0, taken)


def test_what_the_gateway_imports_brings_no_imaging_and_no_server():
    heavy = "{'numpy', 'PIL', 'av', 'fastapi', 'uvicorn'}"
    code = f"import sys, gateway.sandbox.process; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_server_itself_brings_no_imaging():
    code = "import sys, gateway.sandbox.server; print(sorted({'numpy', 'PIL', 'av'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
