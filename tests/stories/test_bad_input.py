"""What cannot be done is refused at the door: a clear problem with its code, nothing posted, held or sent."""

import base64
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.stories.cards import asked
from tests.stories.house import Customer, Gateway
from tests.stories.upstreams import Upstream, picture

IMAGE = {"task": "text-to-image", "prompt": "a red fox"}
EDIT = {"task": "image-edit", "prompt": "make it night"}
DRAFT = {"model": "sandbox/podium/sandbox-pictures-draft"}


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """A problem in the shape of RFC 9457."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body.keys() >= {"type", "title", "status", "detail", "code"}
    assert (body["status"], body["code"]) == (status, code) and body["type"] == f"urn:podium:problem:{code}"
    assert body["detail"] and body["title"]
    return body


@pytest.fixture
def alice(house: Gateway) -> Iterator[Customer]:
    """A caller with money, who has all of it afterwards."""
    yield from unharmed(house)


@pytest.fixture
def bob(town: Gateway) -> Iterator[Customer]:
    """The same among several providers."""
    yield from unharmed(town)


def unharmed(gateway: Gateway) -> Iterator[Customer]:
    customer = gateway.customer("1")
    yield customer
    assert (customer.balance, customer.held) == (1, 0)
    assert customer.get("/v1/jobs").json()["data"] == []
    assert [each["reason"] for each in customer.get("/v1/ledger/entries").json()["data"]] == ["fund"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"task": "paint-a-wall"}, "task"),
        ({"colour": "red"}, "colour"),
        ({"count": 0}, "count"),
        ({"count": 101}, "count"),
        ({"seed": -1}, "seed"),
        ({"width": 1_000_000}, "width"),
        ({"duration_s": 0}, "duration_s"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "   "}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": "x" * 100_001}, "prompt"),
        ({"aspect_ratio": "wide"}, "aspect_ratio"),
        ({"width": 512, "height": 512, "aspect_ratio": "1:1"}, "aspect_ratio"),
        ({"routing": {"policy": "luckiest"}}, "routing.policy"),
        ({"routing": {"max_cost_usd": "-1"}}, "routing.max_cost_usd"),
        ({"routing": {"weights": {"luck": 1}}}, "routing.weights.luck"),
        ({"inputs": [{"role": "villain", "url": "https://example.com/a.png"}]}, "inputs.0.role"),
        ({"metadata": {str(n): n for n in range(51)}}, "metadata"),
        ({"model": ""}, "model"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_body_with_a_fault_names_its_path(alice: Customer, change: dict[str, Any], path: str) -> None:
    for door in ("/v1/jobs", "/v1/route"):
        found = problem(alice.post(door, IMAGE | change), 422, "invalid")
        assert path in found["detail"] or path in [each["path"] for each in found["errors"]], found


def test_a_model_that_nobody_knows_comes_with_those_it_may_have_been(alice: Customer) -> None:
    found = problem(alice.post("/v1/jobs", IMAGE | {"model": "podium/sandbox-picture"}), 422, "invalid")
    assert "podium/sandbox-pictures" in found["near"] and "did you mean" in found["detail"]


def test_a_model_that_does_another_task_says_which(alice: Customer) -> None:
    found = problem(alice.post("/v1/jobs", IMAGE | {"model": "podium/sandbox-clips"}), 422, "invalid")
    assert "text-to-video" in found["detail"]


def test_a_parameter_that_no_offer_takes_is_answered_with_every_reason(alice: Customer) -> None:
    found = problem(alice.post("/v1/jobs", IMAGE | DRAFT | {"width": 4096, "height": 64}), 422, "no_offer")
    [rejected] = found["rejected"]
    assert rejected["offer"].startswith("sandbox/") and "width" in rejected["reason"]


def test_a_provider_without_a_key_is_no_offer(alice: Customer) -> None:
    found = problem(alice.post("/v1/jobs", IMAGE | {"model": "openai/gpt-image-2"}), 422, "no_offer")
    assert all("key" in each["reason"] for each in found["rejected"])


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"[]", b'"a fox"', b"null", b'{"task": "text-to-image", "prompt": "x", "guidance": NaN}',
     b'{"task": "text-to-image", "prompt": "x", "guidance": Infinity}', b"\xff\xfe\x00", b"[" * 100_000,
     b'{"task": "text-to-image", "prompt": "\\ud800"}'],
    ids=lambda value: repr(value[:24]),
)  # fmt: skip
def test_what_is_no_json_of_ours_is_invalid(alice: Customer, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    problem(alice.send("POST", "/v1/jobs", headers, content=body), 422, "invalid")


@pytest.mark.parametrize("weight", [b"NaN", b"Infinity", b"-1", b"1e400"])
def test_weights_are_numbers(alice: Customer, weight: bytes) -> None:
    body = b'{"task": "text-to-image", "prompt": "x", "routing": {"weights": {"cost": %b}}}' % weight
    problem(alice.send("POST", "/v1/jobs", content=body), 422, "invalid")


def test_a_body_beyond_the_limit_is_refused_whether_or_not_it_says_so(alice: Customer) -> None:
    block = b" " * 2**20

    def blocks() -> Iterator[bytes]:
        for _ in range(97):
            yield block

    problem(alice.send("POST", "/v1/jobs", content=blocks()), 413, "too_large")
    with socket.create_connection(("127.0.0.1", alice.gateway.port)) as declaring:
        head = f"POST /v1/jobs HTTP/1.1\r\nhost: x\r\nx-api-key: {alice.secret}\r\ncontent-length: {97 * 2**20}\r\n\r\n"
        declaring.sendall(head.encode())
        assert declaring.recv(4096).startswith(b"HTTP/1.1 413 ")


INWARD = [
    "http://127.0.0.1:{port}/secret", "http://localhost:{port}/secret", "http://10.0.0.1/", "http://192.168.0.1/x.png",
    "http://169.254.169.254/latest/meta-data/", "http://[::1]:{port}/secret", "http://2130706433:{port}/secret",
    "http://0x7f000001:{port}/secret", "http://0.0.0.0:{port}/secret", "http://[::ffff:127.0.0.1]:{port}/secret",
    "http://127.1:{port}/secret", "http://017700000001:{port}/secret", "http://[64:ff9b::7f00:1]:{port}/secret",
    "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "http://user:word@127.0.0.1:{port}/secret",
    "//127.0.0.1:{port}/secret", "/v1/jobs", "http://", "http://[", "not a link",
]  # fmt: skip


@pytest.mark.parametrize("url", INWARD)
def test_a_link_that_points_inward_is_not_followed(alice: Customer, upstream: Upstream, url: str) -> None:
    link = url.format(port=upstream.url.rsplit(":", 1)[1])
    found = problem(alice.post("/v1/jobs", EDIT | {"inputs": [{"role": "source", "url": link}]}), 422, "invalid")
    assert found["detail"].startswith("inputs.0") and "secret" not in found["detail"].replace(link, "")
    assert upstream.seen == []


def test_a_link_among_a_chats_parts_is_not_followed_inward_either(bob: Customer, upstream: Upstream) -> None:
    content = [{"type": "text", "text": "What is this?"}, {"type": "image", "url": f"{upstream.url}/secret.png"}]
    body = {"task": "text", "messages": [{"role": "user", "content": content}], "model": "story/words"}
    assert bob.post("/v1/jobs", body).status_code == 422
    assert upstream.seen == []


WORDS = base64.b64encode(picture()).decode()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"base64": "?" * 40}, "base64"),
        ({"base64": WORDS[:-3]}, "base64"),
        ({"base64": base64.b64encode(b"no picture at all").decode()}, "no kind of image"),
        ({"base64": base64.b64encode(picture()[:100]).decode()}, "inputs.0"),
        ({"url": "data:image/png;base64,AAAA"}, "image/png"),
        ({"asset": "ast_of-nobody"}, "asset"),
        ({"base64": WORDS, "asset": "ast_1"}, "exactly one"),
        ({}, "exactly one"),
    ],
    ids=["no base64", "cut base64", "no picture", "cut picture", "lying data uri", "no asset", "two", "none"],
)
def test_an_input_that_is_none_is_refused(alice: Customer, given: dict[str, str], says: str) -> None:
    answer = alice.post("/v1/jobs", EDIT | {"inputs": [{"role": "source"} | given]})
    missing = "asset" in given and len(given) == 1
    assert says in problem(answer, 404 if missing else 422, "not_found" if missing else "invalid")["detail"]


def test_anothers_asset_is_not_found(house: Gateway, alice: Customer) -> None:
    owner = house.customer()
    asset = owner.send("POST", "/v1/assets", {"content-type": "image/png"}, content=picture()).json()["id"]
    problem(alice.post("/v1/jobs", EDIT | {"inputs": [{"role": "source", "asset": asset}]}), 404, "not_found")


def test_an_offer_without_a_price_is_refused_and_never_free(bob: Customer, upstream: Upstream) -> None:
    found = problem(bob.post("/v1/jobs", IMAGE | {"model": "story/gift"}), 402, "unpriced")
    assert "generous" in found["detail"] and upstream.seen == []


def test_a_tier_without_a_rate_is_refused_and_never_free(bob: Customer, upstream: Upstream) -> None:
    problem(bob.post("/v1/jobs", IMAGE | {"model": "tiered/story/picture", "quality": "high"}), 402, "unpriced")
    assert upstream.seen == []


def test_a_cap_below_every_price_leaves_no_offer(bob: Customer) -> None:
    found = problem(bob.post("/v1/jobs", asked("north", max_cost_usd="0.001")), 422, "no_offer")
    assert any("0.01" in each["reason"] for each in found["rejected"])


def test_no_key_a_wrong_key_and_a_revoked_key_are_unauthorized(house: Gateway) -> None:
    made = house.admin.post("/v1/keys", {"name": "to be revoked"}).json()
    gone = Customer(house, made["id"], made["secret"])
    assert gone.get("/v1/jobs").status_code == 200
    assert house.admin.send("DELETE", f"/v1/keys/{made['id']}").status_code == 200
    for each in (gone, Customer(house, "", "pk_wrong"), Customer(house, "", "x")):
        found = problem(each.post("/v1/jobs", IMAGE), 401, "unauthorized")
        assert "pk_" not in found["detail"] or "pk_…" in found["detail"]
    problem(httpx.get(f"{house.url}/v1/jobs"), 401, "unauthorized")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/keys", {"name": "mine", "role": "admin"}),
        ("GET", "/v1/keys", None),
        ("DELETE", "/v1/keys/key_1", None),
        ("POST", "/v1/ledger/fund", {"key": "key_1", "usd": "100"}),
        ("GET", "/v1/ledger/verify", None),
    ],
)
def test_a_caller_is_no_admin(alice: Customer, method: str, path: str, body: Any) -> None:
    problem(alice.send(method, path, {"idempotency-key": "x"}, json=body), 403, "forbidden")


def test_another_caller_s_entries_are_not_shown(house: Gateway, alice: Customer) -> None:
    house.customer("3")
    accounts = {each["account"] for each in alice.get("/v1/ledger/balances").json()["data"]}
    assert accounts <= {f"key:{alice.id}:available", f"key:{alice.id}:held"}


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/jobs/job_none", "/v1/decisions/dec_none", "/v1/assets/ast_none"])
def test_what_is_not_there_is_not_found(alice: Customer, path: str) -> None:
    problem(alice.get(path), 404, "not_found")


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "status=asleep"])
def test_a_page_that_cannot_be_is_invalid(alice: Customer, query: str) -> None:
    problem(alice.get(f"/v1/jobs?{query}"), 422, "invalid")
