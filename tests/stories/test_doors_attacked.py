"""What strangers and fools send to the doors: always an answer in the door's own shape, never a fault of ours."""

import json
import threading
from typing import Any

import httpx
import pytest

from tests.simulators.media import picture
from tests.stories.house import Customer, Gateway
from tests.stories.openai_door import talking_until_cut
from tests.stories.upstreams import Upstream

PICTURES, CLIPS, WORDS = "podium/sandbox-pictures", "podium/sandbox-clips-draft", "podium/sandbox-words"
OPENAI, FAL, REPLICATE = (
    "/openai/v1/images/generations",
    f"/fal/{PICTURES}",
    f"/replicate/v1/models/{PICTURES}/predictions",
)
DOORS = {OPENAI: 400, FAL: 422, REPLICATE: 422}
"""Where a picture is asked for at each door, and the status of a wrong input there."""


@pytest.fixture(scope="module")
def rich(house: Gateway) -> Customer:
    return house.customer()


def picture_of(path: str, **more: Any) -> dict[str, Any]:
    """A body that asks for a small picture at a door; `more` are fields of its input."""
    match path:
        case _ if path == OPENAI:
            return {"model": PICTURES, "prompt": "a fox", "size": "64x64"} | more
        case _ if path == FAL:
            return {"prompt": "a fox", "image_size": {"width": 64, "height": 64}} | more
        case _:
            return {"input": {"prompt": "a fox", "width": 64, "height": 64} | more}


def sent(customer: Customer, path: str, body: Any, **headers: str) -> httpx.Response:
    """As text, for what no JSON writer would write."""
    words = body if isinstance(body, str) else json.dumps(body)
    return customer.send("POST", path, content=words, headers={"content-type": "application/json"} | headers)


STRANGE: dict[str, tuple[str, dict[str, Any]]] = {
    "fal: frames without end": (f"/fal/{CLIPS}", {"prompt": "a", "num_frames": float("inf")}),
    "fal: no number of frames": (f"/fal/{CLIPS}", {"prompt": "a", "num_frames": float("nan")}),
    "fal: frames beyond numbers": (f"/fal/{CLIPS}", {"prompt": "a", "num_frames": 10**400}),
    "fal: many digits": (FAL, picture_of(FAL, num_images="9" * 400)),
    "fal: seed without end": (FAL, picture_of(FAL, seed=float("-inf"))),
    "replicate: frames without end": (
        f"/replicate/v1/models/{CLIPS}/predictions",
        {"input": {"prompt": "a", "num_frames": float("inf")}},
    ),
    "replicate: many digits": (REPLICATE, picture_of(REPLICATE, num_outputs="9" * 400)),
    "openai: labels that are words": (
        "/openai/v1/chat/completions",
        {"model": WORDS, "messages": [{"role": "user", "content": "a"}], "metadata": "abc"},
    ),
    "openai: labels that are a number": (
        "/openai/v1/chat/completions",
        {"model": WORDS, "messages": [{"role": "user", "content": "a"}], "metadata": 5},
    ),
    "openai: more partial pictures than there are": (OPENAI, picture_of(OPENAI, partial_images=12)),
    "openai: a mask that is nowhere": (
        "/openai/v1/images/edits",
        {"model": PICTURES, "prompt": "a", "images": [{"image_url": "data:,x"}], "mask": {"image_url": ""}},
    ),
}


@pytest.mark.parametrize(("path", "body"), STRANGE.values(), ids=STRANGE)
def test_a_strange_value_is_refused(rich: Customer, path: str, body: Any) -> None:
    answer = sent(rich, path, body)
    assert answer.status_code in (400, 422), answer.text


WISHES: dict[str, Any] = {
    "labels": {"metadata": "abc"},
    "labels as a list": {"metadata": ["ab"]},
    "options": {"extra": "abc"},
    "options of a provider": {"extra": {"fal": "abc"}},
    "options as a number": {"extra": 5},
    "a price": {"quote": {}},
    "strictness": {"strict": []},
}


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
@pytest.mark.parametrize("path", DOORS)
def test_a_wish_in_the_wrong_form_is_refused(rich: Customer, path: str, wish: Any) -> None:
    body = picture_of(path) | {"podium": wish}
    if path == OPENAI:
        body |= {"background": "transparent"}
    assert sent(rich, path, body).status_code == DOORS[path]


@pytest.mark.parametrize("path", DOORS)
def test_half_a_character_is_refused(rich: Customer, path: str) -> None:
    for body in (
        picture_of(path, prompt="\ud800"),
        picture_of(path, **{"\ud800": 1}),
        picture_of(path) | {"\udfff": 1},
    ):
        answer = sent(rich, path, body)
        assert answer.status_code in (400, 404, 422), answer.text


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("key", ["", "k" * 256], ids=["empty", "long"])
def test_a_key_for_repeats_has_its_limits_at_every_door(rich: Customer, path: str, key: str) -> None:
    answer = sent(rich, path, picture_of(path), **{"idempotency-key": key})
    assert answer.status_code == DOORS[path] and "Idempotency-Key" in answer.text, answer.text


@pytest.mark.parametrize("path", DOORS)
def test_a_repeat_is_the_same_job_and_another_body_a_conflict(rich: Customer, path: str) -> None:
    once, again = (sent(rich, path, picture_of(path), **{"idempotency-key": f"k{path}"}) for _ in range(2))
    assert once.headers["x-podium-job"] == again.headers["x-podium-job"]
    other = sent(rich, path, picture_of(path, prompt="an owl"), **{"idempotency-key": f"k{path}"})
    assert other.status_code == 409, other.text


@pytest.mark.parametrize("path", DOORS)
def test_a_webhook_into_our_network_is_refused_by_the_doors_own_name_for_it(rich: Customer, path: str) -> None:
    url = "https://10.1.2.3/hooks"
    at, body, name = path, picture_of(path), "webhook_url"
    if path == FAL:
        at, name = f"{path}?fal_webhook={url}", "fal_webhook"
    elif path == REPLICATE:
        body, name = body | {"webhook": url}, "webhook"
    else:
        body |= {"webhook_url": url}
    answer = sent(rich, at, body)
    assert answer.status_code == DOORS[path], answer.text
    places = {
        OPENAI: lambda said: said["error"]["param"],
        FAL: lambda said: said["detail"][0]["loc"][-1],
        REPLICATE: lambda said: said["invalid_fields"][0]["field"],
    }
    assert places[path](answer.json()) == name, answer.text


LINKS = {
    "this machine": "http://127.0.0.1:{port}/healthz",
    "this machine by name": "http://localhost:{port}/healthz",
    "in one number": "http://2130706433:{port}/healthz",
    "in octal": "http://0177.0.0.1:{port}/healthz",
    "in IPv6": "http://[::1]:{port}/healthz",
    "mapped": "http://[::ffff:127.0.0.1]:{port}/healthz",
    "any address": "http://0.0.0.0:{port}/healthz",
    "metadata of clouds": "http://169.254.169.254/latest/meta-data",
    "with a name and password": "http://a:b@127.0.0.1:{port}/healthz",
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
@pytest.mark.parametrize("door", ["openai", "fal", "replicate"])
def test_no_link_in_an_input_leads_into_our_network(house: Gateway, rich: Customer, door: str, link: str) -> None:
    url = link.format(port=house.port)
    path, body = {
        "openai": ("/openai/v1/images/edits", {"model": PICTURES, "prompt": "a", "images": [{"image_url": url}]}),
        "fal": (f"/fal/{PICTURES}/edit", {"prompt": "a", "image_url": url}),
        "replicate": (REPLICATE, {"input": {"prompt": "a", "image": url}}),
    }[door]
    answer = sent(rich, path, body)
    assert answer.status_code in (400, 422) and "ok" not in answer.text, answer.text


@pytest.mark.parametrize("at", ["proxy", "proxy/"])
def test_the_proxy_does_not_call_itself(rich: Customer, at: str) -> None:
    target = {"x-fal-target-url": f"https://queue.fal.run/{at}"}
    assert rich.send("POST", "/fal/proxy", json={}, headers=target).status_code in (404, 412)


def test_the_open_path_of_uploads_opens_nothing_else(house: Gateway, rich: Customer) -> None:
    job = rich.submit({"task": "text-to-image", "model": PICTURES, "prompt": "a fox"})
    for path in (f"/fal/storage/put/x/requests/{job['id']}/cancel", "/fal/storage/put/../../v1/jobs"):
        answer = httpx.put(f"{house.url}{path}", trust_env=False)
        assert answer.status_code in (401, 404), answer.text


def test_a_search_has_a_bounded_body(rich: Customer) -> None:
    answer = rich.send("QUERY", "/replicate/v1/models", content=b"x" * 3_000_000)
    assert answer.status_code == 413, answer.text


def test_no_body_is_read_whole_however_long(rich: Customer) -> None:
    for path in ("/v1/webhooks", "/v1/keys", "/v1/webhooks/secret/rotate"):
        for body in (b"x" * 1_100_000, iter([b"x" * 500_000] * 3)):
            answer = rich.send("POST", path, content=body, headers={"content-type": "application/json"})
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large"), answer.text


@pytest.mark.parametrize("at", ["after=%00", "after=" + "x" * 300])
def test_a_page_of_clips_is_asked_for_in_letters(rich: Customer, at: str) -> None:
    assert rich.get(f"/openai/v1/videos?{at}").status_code == 400


AUTHORISED = {"Bearer": 200, "bearer": 200, "Key": 200, "Token": 200, "Basic": 401, "": 401}


@pytest.mark.parametrize(("scheme", "status"), AUTHORISED.items())
def test_a_key_comes_in_a_header_in_one_of_three_forms(
    house: Gateway, rich: Customer, scheme: str, status: int
) -> None:
    said = {"authorization": f"{scheme} {rich.secret}".strip()}
    for path in ("/openai/v1/models", "/replicate/v1/models"):
        assert httpx.get(f"{house.url}{path}", headers=said, trust_env=False).status_code == status
    in_url = httpx.get(f"{house.url}/openai/v1/models?key={rich.secret}&api_key={rich.secret}", trust_env=False)
    assert in_url.status_code == 401 and rich.secret not in in_url.text


def test_a_forms_headers_are_bounded(rich: Customer) -> None:
    header = b'Content-Disposition: form-data; name="file"; filename="' + b"a" * 3_000_000 + b'"'
    body = b"--b\r\n" + header + b"\r\n\r\n" + picture() + b"\r\n--b--\r\n"
    for path in ("/v1/assets", "/replicate/v1/files", "/openai/v1/images/edits"):
        answer = rich.send("POST", path, content=body, headers={"content-type": "multipart/form-data; boundary=b"})
        assert answer.status_code in (400, 413, 422), answer.text


def test_what_one_key_has_no_other_finds_at_any_door(house: Gateway, rich: Customer) -> None:
    """Every path of every door and of our own API with another key's ids in it; the lists hold none of them."""
    ids, bob, tried = everything_of(rich), house.customer(), set()
    for method, path in personal_paths(house):
        for id in ids:
            answer = bob.send(method, filled(path, id), json={"choice": "left"} if path.endswith("/vote") else {})
            status = 403 if path.startswith(SIGNED) else 404
            assert answer.status_code == status, (method, path, id, answer.status_code, answer.text[:300])
            assert not any(each in answer.text.replace(id, "") for each in ids), path
            tried.add(path.split("/")[1])
    assert tried == {"v1", "openai", "fal", "replicate"}
    for path in lists(house):
        answer = bob.get(path)
        assert not any(each in answer.text for each in ids), path


def everything_of(customer: Customer) -> list[str]:
    """Ids of one thing of each kind that a key can have."""
    words = {"task": "text", "model": WORDS, "prompt": "a fox"}
    asked = [{"task": "text-to-image", "prompt": "a fox"}, {"task": "text-to-video", "prompt": "a fox"}, words]
    jobs = [customer.done(each) for each in asked]
    upload = customer.send("POST", "/v1/assets", content=picture(), headers={"content-type": "image/png"}).json()
    assets = [upload["id"], *(each["asset"] for job in jobs for each in job["outputs"] if each["asset"])]
    made = {
        "workflow": customer.post("/v1/workflows", {"steps": [{"id": "one", "job": words}]}, prefer="wait=30"),
        "battle": customer.post("/v1/arena/battles", {"task": "text-to-image", "prompt": "a fox"}, prefer="wait=30"),
        "quote": customer.post("/v1/quotes", asked[0]),
        "webhook": customer.post("/v1/webhooks", {"url": "https://example.com/", "events": ["job.finished"]}),
    }
    assert all(answer.status_code in (200, 201) for answer in made.values()), made
    customer.post(f"/v1/webhooks/{made['webhook'].json()['id']}/test")
    deliveries = customer.get("/v1/webhooks/deliveries").json()["data"]
    attempts = [job["attempts"][0]["id"] for job in jobs]
    return [
        *(job["id"] for job in jobs), *assets, *(job["decision"] for job in jobs), *attempts,
        *(answer.json()["id"] for answer in made.values()), *(each["id"] for each in deliveries),
    ]  # fmt: skip


def personal_paths(house: Gateway) -> list[tuple[str, str]]:
    """Every method and path with an id in it that is somebody's, out of the API's own description."""
    found = [(method.upper(), path) for path, methods in described(house).items() for method in methods]
    strangers = {name for _, path in found for name in _names(path)} - SOMEBODYS - NOBODYS
    assert not strangers, f"say of these whether they are somebody's: {strangers}"
    return [(method, path) for method, path in found if SOMEBODYS & set(_names(path))]


def lists(house: Gateway) -> list[str]:
    return [path for path, methods in described(house).items() if "get" in methods and not _names(path)]


def described(house: Gateway) -> dict[str, Any]:
    assert house.client is not None
    paths: dict[str, Any] = house.client.get("/openapi.json").json()["paths"]
    return paths


SOMEBODYS = {
    "job_id", "asset", "video_id", "request_id", "prediction_id", "file_id", "decision_id", "attempt_id",
    "workflow_id", "battle_id", "webhook_id", "delivery_id",
}  # fmt: skip
NOBODYS = {
    "app", "endpoint", "owner", "name", "version", "provider", "board", "month", "number", "link", "upload",
    "key_id", "plan_id", "budget_id", "proposal_id",
}  # fmt: skip
"""Names of what is everybody's, or an admin's alone, or part of a signed link."""
SIGNED = "/fal/storage/put/"
"""Here no key counts, but a signature in the address: without one nobody may, and nothing is looked for."""


def _names(path: str) -> list[str]:
    return [part[1:-1].partition(":")[0] for part in path.split("/") if part.startswith("{")]


def filled(path: str, id: str) -> str:
    parts = (id if part[1:-1] in SOMEBODYS else part.replace("{number}", "1") for part in path.split("/"))
    return "/".join(PICTURES if part.startswith("{app") else part for part in parts)


def test_a_link_opens_its_own_asset_and_only_while_it_holds(house: Gateway, rich: Customer) -> None:
    mine, other = (rich.done({"task": "text-to-image", "prompt": each})["outputs"][0] for each in ("a", "b"))
    link = mine["url"]
    assert house.client is not None and house.client.get(link).status_code == 200
    for wrong in (
        link.replace(mine["asset"], other["asset"]), link.replace("expires=", "expires=9"), link[:-1] + "g",
        link.partition("?")[0], link.partition("&signature")[0],
    ):  # fmt: skip
        assert house.client.get(wrong).status_code in (401, 403), wrong
    bob = house.customer()
    at = {
        "openai": ("/openai/v1/images/edits", {"model": PICTURES, "prompt": "a", "images": [mine["asset"]]}),
        "fal": (f"/fal/{PICTURES}/edit", {"prompt": "a", "image_url": link.partition("?")[0]}),
        "replicate": (REPLICATE, {"input": {"prompt": "a", "image": link.partition("?")[0]}}),
    }
    for path, body in at.values():
        assert bob.post(path, body).status_code == 404


CANCELS = {
    "native": ("POST", "/v1/jobs/{}/cancel"),
    "fal": ("PUT", "/fal/story/words/requests/{}/cancel"),
    "replicate": ("POST", "/replicate/v1/predictions/{}/cancel"),
}


@pytest.mark.parametrize(("method", "path"), CANCELS.values(), ids=CANCELS)
def test_words_that_are_canceled_at_a_door_are_stopped_at_their_provider(
    town: Gateway, upstream: Upstream, method: str, path: str
) -> None:
    cut, alice = threading.Event(), town.customer()
    upstream.plan("talker", talking_until_cut(cut))
    job = alice.submit({"task": "text", "model": "talker/story/words", "prompt": "tell", "max_tokens": 400})
    alice.job_when(job["id"], lambda _: upstream.posts("talker"))
    assert alice.send(method, path.format(job["id"])).status_code < 300
    assert cut.wait(5), "the provider went on talking"
    assert alice.job_when(job["id"], lambda job: job["attempts"][0]["ended_at"])["status"] == "canceled"


def test_every_job_of_a_key_can_be_listed_at_replicates_door(rich: Customer) -> None:
    rich.done({"task": "text", "model": WORDS, "messages": [{"role": "user", "content": "a"}]})
    answer = rich.get("/replicate/v1/predictions")
    assert answer.status_code == 200 and len(answer.json()["results"]) > 0
