"""An upload reaches a provider as a link that it can follow, where the world can reach this gateway; else inline."""

import base64
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import HTTPError

import pytest
import yaml

from tests.simulators.media import picture
from tests.stories.cards import priced
from tests.stories.house import DIRECT, WITHIN_S, Customer, Gateway
from tests.stories.upstreams import Queue, Upstream

PNG = picture(64, 48)
MODEL = "story/retoucher"
AT = {
    "native": "/v1/assets", "fal": "/fal/files/upload", "replicate": "/replicate/v1/files", "openai": "/v1/assets",
}  # fmt: skip
"""Where each door's callers put their files; OpenAI's have a file's id."""


@pytest.fixture(scope="module", params=["public", "hidden"])
def studio(
    request: pytest.FixtureRequest,
    new_gateway: Callable[..., Gateway],
    close_gateway: Callable[[Gateway], None],
    upstream: Upstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    """A gateway with a provider that takes links and data URIs; the one has told where it is reached, the other not."""
    folder = tmp_path_factory.mktemp("studio")
    model = {"id": MODEL, "name": "Retoucher", "maker": "story", "tasks": ["image-edit"]}
    offer = {
        "model": MODEL, "wire_id": "retoucher", "tasks": ["image-edit"], "inputs": {"source": [1, 1]},
        "fields": {"source": {"name": "image_url", "media": "url"}}, "prices": priced("0.1"),
    }  # fmt: skip
    card = {"name": "studio", "title": "Studio", "dialect": "fal", "offers": [offer]}
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": [model]}))
    (folder / "studio.yaml").write_text(yaml.safe_dump(card | {"base_url": f"{upstream.url}/studio"}))
    gateway = new_gateway(PODIUM_CATALOG_DIR=str(folder), PODIUM_SANDBOX="on")
    if request.param == "public":
        gateway.child.environment["PODIUM_PUBLIC_URL"] = gateway.url
    gateway.start()
    yield gateway
    close_gateway(gateway)


def asked(customer: Customer, door: str, link: str, asset: str) -> str:
    """An edit of the upload, asked for at a door; the id of the job."""
    wish = {"prompt": "at dusk"}
    answers = {
        "native": lambda: customer.post(
            "/v1/jobs", wish | {"task": "image-edit", "model": MODEL, "inputs": [{"role": "source", "asset": asset}]}
        ),
        "fal": lambda: customer.post(f"/fal/{MODEL}", wish | {"image_url": link}),
        "replicate": lambda: customer.post(
            f"/replicate/v1/models/{MODEL}/predictions", {"input": wish | {"image": link}}
        ),
        "openai": lambda: customer.post(
            "/openai/v1/images/edits", wish | {"model": MODEL, "images": [{"file_id": asset}]}
        ),
    }
    answer = answers[door]()
    assert answer.status_code in (200, 201, 202), answer.text
    said: dict[str, Any] = answer.json()
    return str(answer.headers.get("x-podium-job") or said["id"])


def put(customer: Customer, door: str) -> tuple[str, str]:
    """A file at a door: the link that the door gives, and the asset's id."""
    if door == "replicate":
        said = customer.send("POST", AT[door], files={"content": ("a.png", PNG, "image/png")}).json()
        return said["urls"]["get"], said["id"]
    said = customer.send("POST", AT[door], content=PNG, headers={"content-type": "image/png"}).json()
    link: str = said.get("access_url") or said["url"]
    return link, link.partition("/assets/")[2].partition("/")[0]


@pytest.mark.parametrize("door", AT)
def test_a_provider_follows_the_link_of_an_upload_or_is_given_its_bytes(
    studio: Gateway, upstream: Upstream, door: str
) -> None:
    upstream.plan("studio", Queue(looks=0))
    alice = studio.customer()
    job = alice.finished(asked(alice, door, *put(alice, door)))
    assert job["status"] == "succeeded" and job["offer"] == f"studio/{MODEL}", job
    [sent] = upstream.posts("studio")
    given = sent.json["image_url"]
    if "PODIUM_PUBLIC_URL" not in studio.child.environment:
        assert given == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
        return
    assert given.startswith(f"{studio.url}/v1/assets/") and "signature=" in given and alice.secret not in given
    with DIRECT.open(given, timeout=WITHIN_S) as answer:
        assert answer.read() == PNG and answer.headers["content-type"] == "image/png"
    with pytest.raises(HTTPError, match="401"):
        DIRECT.open(given.partition("?")[0], timeout=WITHIN_S)


def test_uploads_are_what_they_claim_and_end_when_they_should(studio: Gateway) -> None:
    alice = studio.customer()
    wrong = alice.send("POST", "/v1/assets", content=PNG, headers={"content-type": "video/mp4"})
    assert wrong.status_code == 422 and "video/mp4" in wrong.text and alice.get("/v1/assets").json()["data"] == []
    short = alice.send("POST", "/v1/assets?expires_in_s=60", content=PNG, headers={"content-type": "image/png"}).json()
    assert short["expires_at"] > short["created_at"]
