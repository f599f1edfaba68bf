"""The OpenAI door told in stories: the same money, choice and books as at our own, in another API's words."""

import base64
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.stories.cards import priced
from tests.stories.house import Gateway, eventually
from tests.stories.openai_door import DOOR, PICTURE, ask, error
from tests.stories.upstreams import Upstream, pictures, status

PICTURE_USD = Decimal("0.0005")


def test_a_budget_holds_at_this_door_too(house: Gateway) -> None:
    alice = house.customer()
    limit = {"name": "cap", "window": "day", "limit_usd": str(PICTURE_USD * 2), "scope": "key", "subject": alice.id}
    assert house.admin.post("/v1/budgets", limit).status_code == 201
    answers = [ask(alice, "/images/generations", PICTURE) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 402]
    refused = error(answers[2])
    assert (refused["code"], refused["type"]) == ("over_budget", "insufficient_quota")
    assert answers[2].headers["x-should-retry"] == "false"
    assert Decimal(refused["podium"]["short_by_usd"]) == PICTURE_USD
    assert alice.balance == 5 - 2 * PICTURE_USD and alice.held == 0


def test_the_same_prompt_at_either_entrance_is_the_same_job_at_the_same_cost(house: Gateway) -> None:
    alice = house.customer()
    answer = ask(alice, "/images/generations", {"prompt": "a red fox", "size": "64x64", "seed": 7})
    here = alice.job(answer.headers["x-podium-job"])
    wanted = {"task": "text-to-image", "prompt": "a red fox", "width": 64, "height": 64, "seed": 7}
    there = alice.done(wanted)
    for name in ("task", "status", "model", "offer", "cost", "usage", "resolved", "adjustments"):
        assert here[name] == there[name], name
    assert here.keys() == there.keys() and here["outputs"][0]["sha256"] == there["outputs"][0]["sha256"]
    told = [alice.get(f"/v1/decisions/{job['decision']}").json() for job in (here, there)]
    assert told[0]["ranked"] == told[1]["ranked"] and told[0]["policy"] == told[1]["policy"]
    assert answer.headers["x-podium-decision"] == here["decision"]
    assert answer.headers["x-podium-cost-usd"] == here["cost"]["cost_usd"]
    assert answer.headers["x-podium-model"] == here["model"]
    assert alice.entries(here["id"]) == alice.entries(there["id"]) == ["hold", "settle"]


def test_an_idempotency_key_gives_the_same_pictures_once_paid(house: Gateway) -> None:
    alice = house.customer()
    one, other = (ask(alice, "/images/generations", PICTURE, idempotency_key="again") for _ in range(2))
    assert one.headers["x-podium-job"] == other.headers["x-podium-job"]
    assert one.json()["data"][0]["b64_json"] == other.json()["data"][0]["b64_json"]
    assert alice.balance == 5 - PICTURE_USD
    changed = ask(alice, "/images/generations", PICTURE | {"prompt": "a steam boat"}, idempotency_key="again")
    assert changed.status_code == 409 and error(changed)["code"] == "conflict"


def test_a_rate_that_is_passed_says_when_to_come_again(house: Gateway) -> None:
    alice = house.customer()
    plan = house.admin.post("/v1/plans", {"name": "slow", "jobs_per_minute": 1}).json()
    house.admin.send("PATCH", f"/v1/keys/{alice.id}", json={"plan": plan["id"]})
    assert ask(alice, "/images/generations", PICTURE).status_code == 200
    refused = ask(alice, "/images/generations", PICTURE)
    assert refused.status_code == 429 and error(refused)["code"] == "rate_limit_exceeded"
    assert 0 < int(refused.headers["retry-after"]) <= 60 and refused.headers["x-should-retry"] == "true"


@pytest.mark.parametrize(
    ("path", "status_code"), [("/nothing", 404), ("/videos/job_nobody", 404), ("/models/nobody/knows-this", 404)]
)
def test_what_is_not_there_is_said_in_the_doors_shape(house: Gateway, path: str, status_code: int) -> None:
    answer = house.customer().get(DOOR + path)
    assert answer.status_code == status_code and error(answer)["code"] == "not_found"


def test_without_a_good_key_the_door_stays_shut(house: Gateway) -> None:
    assert house.client is not None
    for headers in ({}, {"authorization": "Bearer sk-of-openai"}):
        answer = house.client.get(f"{DOOR}/models", headers=headers)
        assert answer.status_code == 401 and error(answer)["code"] == "invalid_api_key"


def test_another_key_finds_no_video_of_ours(house: Gateway) -> None:
    alice, mallory = house.customer(), house.customer()
    clip = ask(alice, "/videos", {"model": "podium/sandbox-clips-draft", "prompt": "snow", "seconds": "1"}).json()
    for method, more in (("GET", ""), ("GET", "/content"), ("DELETE", ""), ("POST", "/remix")):
        answer = mallory.send(method, f"{DOOR}/videos/{clip['id']}{more}", json={"prompt": "night"})
        assert answer.status_code == 404, (method, more)
    assert mallory.get(f"{DOOR}/videos").json()["data"] == []
    alice.finished(clip["id"])


def test_a_clip_is_fetched_in_ranges(house: Gateway) -> None:
    alice = house.customer()
    clip = ask(alice, "/videos", {"model": "podium/sandbox-clips-draft", "prompt": "snow", "seconds": "1"}).json()
    alice.finished(clip["id"])
    at = f"{DOOR}/videos/{clip['id']}/content"
    whole = alice.get(at)
    assert whole.status_code == 200 and whole.headers["accept-ranges"] == "bytes"
    part = alice.get(at, range="bytes=4-11", if_range=whole.headers["etag"])
    assert part.status_code == 206 and part.content == whole.content[4:12]
    assert part.headers["content-range"] == f"bytes 4-11/{len(whole.content)}"
    assert part.headers["x-podium-job"] == clip["id"]
    beyond = alice.get(at, range=f"bytes={len(whole.content)}-")
    assert beyond.status_code == 416 and beyond.headers["content-range"] == f"bytes */{len(whole.content)}"
    assert alice.get(at, if_none_match=whole.headers["etag"]).status_code == 304


def test_a_picture_is_not_a_video(house: Gateway) -> None:
    alice = house.customer()
    picture = ask(alice, "/images/generations", PICTURE).headers["x-podium-job"]
    assert alice.get(f"{DOOR}/videos/{picture}").status_code == 404


def test_a_deleted_clip_is_stopped_and_off_the_list_and_its_books_stay(house: Gateway) -> None:
    alice = house.customer()
    made = ask(alice, "/videos", {"model": "podium/sandbox-clips", "prompt": "snow", "seconds": "8"}).json()
    gone = alice.send("DELETE", f"{DOOR}/videos/{made['id']}").json()
    assert gone == {"id": made["id"], "object": "video.deleted", "deleted": True}
    assert alice.get(f"{DOOR}/videos").json()["data"] == []
    assert alice.job(made["id"])["status"] in ("canceled", "succeeded")
    eventually(lambda: alice.held == 0, "its hold is settled")


def test_an_edit_in_json_takes_links_data_and_assets(house: Gateway) -> None:
    alice = house.customer()
    first = ask(alice, "/images/generations", PICTURE | {"response_format": "b64_json"})
    words, job = first.json()["data"][0]["b64_json"], alice.job(first.headers["x-podium-job"])
    for given in (
        {"images": [{"image_url": f"data:image/png;base64,{words}"}]},
        {"images": [{"file_id": job["outputs"][0]["asset"]}]},
        {"image": f"data:image/png;base64,{words}"},
    ):
        edited = ask(alice, "/images/edits", {"model": "podium/sandbox-pictures", "prompt": "at dusk"} | given)
        assert edited.status_code == 200, edited.text
    [source] = alice.get("/v1/assets?limit=500").json()["data"][-1:]
    assert source["source"] == "output"


def test_options_of_openais_own_go_there_or_nowhere(house: Gateway) -> None:
    alice = house.customer()
    refused = ask(alice, "/images/generations", PICTURE | {"background": "transparent"})
    assert refused.status_code == 400 and error(refused)["code"] == "no_offer"
    assert "background" in error(refused)["message"]
    assert ask(alice, "/images/generations", PICTURE | {"background": "opaque", "quality": "auto"}).status_code == 200


@pytest.fixture(scope="module")
def studio(
    new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None], upstream: Upstream
) -> Iterator[Gateway]:
    """A gateway whose one provider with a key is a server of ours that speaks as OpenAI."""
    at = {"PODIUM_PROVIDER_OPENAI_BASE_URL": f"{upstream.url}/openai/v1", "OPENAI_API_KEY": "sk-of-the-operator"}
    gateway = new_gateway(PODIUM_SANDBOX="on", **at).start()
    yield gateway
    close_gateway(gateway)


def test_an_option_of_openais_own_reaches_it(studio: Gateway, upstream: Upstream) -> None:
    upstream.plan("openai", pictures)
    body = {"model": "auto", "prompt": "a fox", "background": "transparent", "moderation": "low"}
    answer = ask(studio.customer(), "/images/generations", body)
    assert answer.status_code == 200, answer.text
    [sent] = upstream.posts("openai")
    assert (sent.json["background"], sent.json["moderation"]) == ("transparent", "low")


def test_a_refusal_of_content_is_the_one_that_openai_gives(studio: Gateway, upstream: Upstream) -> None:
    upstream.plan("openai", status(400, {"message": "rejected by the safety system", "code": "moderation_blocked"}))
    answer = ask(studio.customer(), "/images/generations", {"model": "openai/gpt-image-2", "prompt": "a fox"})
    assert answer.status_code == 400 and answer.headers["x-should-retry"] == "false"
    said = error(answer)
    assert (said["type"], said["code"]) == ("image_generation_user_error", "moderation_blocked")
    assert said["podium"]["job"] == answer.headers["x-podium-job"]


def test_a_picture_is_made_though_nobody_waits_for_it(house: Gateway) -> None:
    alice = house.customer()
    clip = {"model": "podium/sandbox-pictures", "prompt": "a boat", "size": "2048x2048", "n": 4}
    with pytest.raises(httpx.ReadTimeout):
        alice.send("POST", f"{DOOR}/images/generations", json=clip, timeout=0.3)
    [job] = alice.get("/v1/jobs").json()["data"]
    assert alice.finished(job["id"])["status"] == "succeeded"


def test_openrouters_preferences_order_and_bound_the_choice(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("north", status(500))
    alice, body = town.customer(), {"model": "story/picture", "prompt": "a boat"}

    def made(**provider: Any) -> httpx.Response:
        return ask(alice, "/images/generations", body | {"provider": provider})

    fallen = made(order=["north", "south"])
    assert alice.job(fallen.headers["x-podium-job"])["offer"] == "south/story/picture"
    alone = made(order=["north"], allow_fallbacks=False)
    assert alone.status_code == 502 and error(alone)["code"] == "provider_fault"
    dear = made(only=["south", "east"], max_price={"image": 0.1})
    told = alice.get(f"/v1/decisions/{dear.headers['x-podium-decision']}").json()
    assert [each["offer"] for each in told["ranked"]] == ["south/story/picture"]
    assert made(only=["east"], max_price={"image": 0.1}).status_code == 400
    assert made(quantizations=["fp8"]).status_code == 400
    left = made(ignore=["north", "tiered"], sort="price", max_price={"image": 1}, only=["north", "south", "east"])
    told = alice.get(f"/v1/decisions/{left.headers['x-podium-decision']}").json()
    assert {each["offer"] for each in told["ranked"]} == {"south/story/picture", "east/story/picture"}
    assert told["policy"]["name"] == "cheapest", told["policy"]


def test_a_policy_can_be_the_model(town: Gateway) -> None:
    alice, body = town.customer(), {"prompt": "a boat", "podium": {"only": ["east", "south", "north"]}}
    answer = ask(alice, "/images/generations", body | {"model": "auto:cheapest"})
    assert answer.headers["x-podium-model"] == "story/picture"
    told = alice.get(f"/v1/decisions/{answer.headers['x-podium-decision']}").json()
    assert told["policy"]["name"] == "cheapest"
    # Another story may have made one of them fail often enough to come last for a while.
    usual = [each["quote_usd"] for each in told["ranked"] if each["stage"] != "stale" and "resting" not in each]
    assert len(told["ranked"]) == 3 and usual == sorted(usual, key=float)
    refused = ask(alice, "/images/generations", body | {"model": "auto:prettiest"})
    assert refused.status_code == 400 and error(refused)["code"] == "model_not_found", refused.text


@pytest.fixture(scope="module")
def remakers(
    new_gateway: Callable[..., Gateway],
    close_gateway: Callable[[Gateway], None],
    upstream: Upstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    """A gateway with one provider that changes clips, beside the sandbox that makes them."""
    folder = tmp_path_factory.mktemp("remakers")
    model = {"id": "story/remaker", "name": "Remaker", "maker": "story", "tasks": ["video-to-video"]}
    offer = {
        "model": "story/remaker", "wire_id": "remaker", "tasks": ["video-to-video"], "inputs": {"source": [1, 1]},
        "fields": {"source": "video_url"}, "prices": priced("0.1", "output_video"),
    }  # fmt: skip
    card = {
        "name": "remaker",
        "title": "Remaker",
        "dialect": "fal",
        "base_url": f"{upstream.url}/remaker",
        "offers": [offer],
    }
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": [model]}))
    (folder / "remaker.yaml").write_text(yaml.safe_dump(card))
    gateway = new_gateway(PODIUM_CATALOG_DIR=str(folder), PODIUM_SANDBOX="on").start()
    yield gateway
    close_gateway(gateway)


def test_a_remix_is_another_clip_out_of_the_former(remakers: Gateway, upstream: Upstream, tmp_path: Path) -> None:
    upstream.plan("remaker", status(422))
    alice = remakers.customer()
    former = ask(alice, "/videos", {"model": "podium/sandbox-clips-draft", "prompt": "snow", "seconds": "1"}).json()
    early = ask(alice, f"/videos/{former['id']}/remix", {"prompt": "at night"})
    assert early.status_code == 404 and "nothing to fetch yet" in error(early)["message"]
    alice.finished(former["id"])
    again = ask(alice, f"/videos/{former['id']}/remix", {"prompt": "at night"})
    assert again.status_code == 200 and again.json()["remixed_from_video_id"] == former["id"]
    job = alice.finished(again.json()["id"])
    assert (job["task"], job["model"]) == ("video-to-video", "story/remaker")
    [sent] = upstream.posts("remaker")
    clip = alice.get(f"{DOOR}/videos/{former['id']}/content").content
    assert sent.json == {"prompt": "at night", "video_url": f"data:video/mp4;base64,{base64.b64encode(clip).decode()}"}


def test_the_same_prompt_through_four_entrances_is_the_same_job_four_times(house: Gateway) -> None:
    alice, prompt = house.customer(), "a lighthouse in a storm"
    said = {"prompt": prompt, "width": 64, "height": 64, "seed": 7}
    sized = {"prompt": prompt, "image_size": {"width": 64, "height": 64}, "seed": 7}
    answers = [
        alice.post("/v1/jobs", said | {"task": "text-to-image", "model": "podium/sandbox-pictures"}, prefer="wait=30"),
        alice.post("/fal/run/podium/sandbox-pictures", sized),
        alice.post("/replicate/v1/models/podium/sandbox-pictures/predictions", {"input": said}, prefer="wait"),
        ask(alice, "/images/generations", PICTURE | {"model": "podium/sandbox-pictures", "prompt": prompt, "seed": 7}),
    ]
    assert [each.status_code for each in answers] == [201, 200, 201, 200], [each.text for each in answers]
    ids = [each.headers.get("x-podium-job") or each.json()["id"] for each in answers]
    jobs = [alice.finished(job_id) for job_id in ids]
    for name in ("task", "status", "model", "offer", "cost", "usage", "resolved", "adjustments"):
        assert all(job[name] == jobs[0][name] for job in jobs), (name, [job[name] for job in jobs])
    assert len({job["outputs"][0]["sha256"] for job in jobs}) == 1 and len({frozenset(job) for job in jobs}) == 1
    told = [alice.get(f"/v1/decisions/{job['decision']}").json() for job in jobs]
    assert all(each["ranked"] == told[0]["ranked"] and each["policy"] == told[0]["policy"] for each in told)
    assert [alice.entries(job["id"]) for job in jobs] == [["hold", "settle"]] * 4
