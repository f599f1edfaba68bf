"""Every simulated provider, through the public API of one real gateway: what goes well, and each way it can go wrong.

All jobs are submitted at once, since the polls of videos are seconds apart; each test then waits for its own.
"""

import importlib
import io
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import av
import pytest
import yaml
from PIL import Image

from adapters.registry import CATALOG_DIR, DIALECTS, load_catalog
from tests.simulators.server import Run, Server, Simulated
from tests.stories.house import FINAL, Customer, Gateway, eventually

SIMULATORS = Path(__file__).parent.parent / "simulators"
WITHIN_S = 100
"""The longest that a job here may take: four polls at a video's pace, one of them lost, on a busy machine."""
LOOK_S = 0.25
PROMPT_CHARS = 100
"""Every prompt is so long, as some vendors charge by the character."""
FUNDS_USD = "10000"
CATALOG = load_catalog()
SANDBOXED = frozenset(offer.dialect for offer in CATALOG.cards["sandbox"].offers)
"""Dialects that our own sandbox speaks: every other story here is theirs."""


def simulated_in(module: str) -> tuple[Simulated, ...]:
    """What a module simulates; one that simulates nothing is what others are made of."""
    found = getattr(importlib.import_module(f"tests.simulators.{module}"), "SIMULATED", ())
    return found if isinstance(found, tuple) else (found,)


SIMULATED = [each for path in sorted(SIMULATORS.glob("*.py")) for each in simulated_in(path.stem)]


class Story(NamedTuple):
    """One job at one simulated provider, with the word that says what shall happen to it."""

    simulated: Simulated
    word: str = ""

    @property
    def prompt(self) -> str:
        word = f" [{self.word}]" if self.word else ""
        said = f"A red fox in the snow, {self.simulated.job['task']} by way of ({self.simulated.dialect}){word}"
        return said.ljust(PROMPT_CHARS, ".")

    @property
    def name(self) -> str:
        return f"{self.simulated.provider} ({self.simulated.dialect}) {self.simulated.job['task']}"

    @property
    def key(self) -> str:
        return f"{self.name} [{self.word}]"

    @property
    def body(self) -> dict[str, Any]:
        routing = {"only": [self.simulated.provider], "fallbacks": 0}
        return dict(self.simulated.job) | {"prompt": self.prompt, "routing": routing}


def told(word: str, *, only: Callable[[Simulated], bool] = lambda _: True) -> pytest.MarkDecorator:
    stories = [Story(each, word) for each in SIMULATED if only(each)]
    return pytest.mark.parametrize("story", stories, ids=[story.name for story in stories])


def later_turns(simulated: Simulated) -> range:
    """The turns after the submit, by their numbers."""
    return range(1, simulated.turns - simulated.uploads)


DROPS = [Story(each, f"drop {turn}") for each in SIMULATED for turn in later_turns(each)]


@dataclass
class Fair:
    """The gateway, the simulated providers around it, and what was submitted for each story."""

    gateway: Gateway
    servers: dict[str, Server]
    customers: dict[str, Customer] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)

    def submit(self, story: Story) -> None:
        """A job that is refused fails its own story, not all of them."""
        if story.name not in self.customers:
            self.customers[story.name] = self.gateway.customer(FUNDS_USD)
        answer = self.customers[story.name].post("/v1/jobs", story.body)
        if answer.status_code in (201, 202):
            self.jobs[story.key] = answer.json()["id"]
        else:
            self.refused[story.key] = answer.text

    def job_id(self, story: Story) -> str:
        assert story.key not in self.refused, self.refused[story.key]
        return self.jobs[story.key]

    def watch(self) -> None:
        """Which jobs are seen running."""
        while not self.ended.wait(LOOK_S):
            page = self.gateway.admin.get("/v1/jobs?status=running&limit=500").json()
            self.running |= {job["id"] for job in page["data"]}

    def when(self, story: Story, is_so: Callable[[dict[str, Any]], bool], **headers: str) -> dict[str, Any]:
        """The job of a story as soon as it is so. Fails where it has ended otherwise."""
        customer, job_id = self.customers[story.name], self.job_id(story)

        def look() -> dict[str, Any] | None:
            job = customer.get(f"/v1/jobs/{job_id}", **headers).json()
            assert is_so(job) or job["status"] not in FINAL, (job["status"], job["error"], job["attempts"])
            return job if is_so(job) else None

        found: dict[str, Any] = eventually(look, f"{story.key} gets there", WITHIN_S)
        return found

    def finished(self, story: Story) -> dict[str, Any]:
        return self.when(story, lambda job: job["status"] in FINAL, prefer="wait=30")

    def entries(self, story: Story) -> list[str]:
        return self.customers[story.name].entries(self.job_id(story))

    def runs(self, story: Story) -> list[Run]:
        """What the provider began for a story."""
        world = self.servers[story.simulated.provider].world
        with world.gate:
            return [run for run in world.runs.values() if story.prompt in run.prompt]


def settings_for(servers: dict[str, Server]) -> dict[str, str]:
    """Where each provider is, and its key: the first of the variables that its card names.

    A simulator without a card is left out: its own stories fail, and no others.
    """
    variables = {}
    for provider, server in servers.items():
        if provider not in CATALOG.cards:
            continue
        variables[f"PODIUM_PROVIDER_{provider.upper().replace('-', '_')}_BASE_URL"] = server.url
        names = (CATALOG.cards[provider].key_env or "").split("|")[0].strip().split(":")
        parts = server.simulated[0].key.split(":", len(names) - 1)
        variables |= {name: part for name, part in zip(names, parts, strict=True) if name}
    return variables


def priced(folder: Path) -> Path:
    """The cards of an operator who has a price where ours have none, as a folder for PODIUM_CATALOG_DIR."""
    for each in SIMULATED:
        if each.own_rates:
            card = yaml.safe_load((CATALOG_DIR / "providers" / f"{each.provider}.yaml").read_text())
            price = {"since": "2026-01-01", "checked": "2026-01-01", "source": "a contract of the operator's own"}
            for offer in card["offers"]:
                offer["prices"] = [price | {"rates": [dict(rate) for rate in each.own_rates]}]
            (folder / f"{each.provider}.yaml").write_text(yaml.safe_dump(card))
    return folder


def wanted(session: pytest.Session) -> list[Story]:
    """The stories that this run of the tests will ask for, the longest first."""
    calls = [item.callspec for item in session.items if item.path == Path(__file__) and hasattr(item, "callspec")]
    stories = {call.params["story"].key: call.params["story"] for call in calls}
    return sorted(stories.values(), key=lambda story: -story.simulated.turns)


@pytest.fixture(scope="module")
def fair(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    new_gateway: Callable[..., Gateway],
    close_gateway: Callable[[Gateway], None],
) -> Iterator[Fair]:
    """All stories under way."""
    stories = wanted(request.session)
    by_provider: dict[str, list[Simulated]] = defaultdict(list)
    for each in SIMULATED:
        by_provider[each.provider].append(each)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(Server(*each)) for name, each in by_provider.items()}
        settings = settings_for(servers) | {"PODIUM_CATALOG_DIR": str(priced(tmp_path_factory.mktemp("cards")))}
        gateway = new_gateway(PODIUM_SANDBOX="off", PODIUM_WORKERS="256", **settings).start()
        stack.callback(close_gateway, gateway)
        fair = Fair(gateway, servers)
        watching = threading.Thread(target=fair.watch)
        watching.start()
        stack.callback(watching.join)
        stack.callback(fair.ended.set)
        for story in stories:
            fair.submit(story)
        yield fair
        twice = [story.key for story in stories if story.word == "drop submit" and len(fair.runs(story)) > 1]
    assert not twice, "submitted again, though nobody knew what became of the first"


def test_every_dialect_has_a_simulator() -> None:
    assert {each.dialect for each in SIMULATED} | SANDBOXED == DIALECTS.keys()


@told("")
def test_a_job_succeeds_and_costs_what_the_provider_says_or_the_table(fair: Fair, story: Story) -> None:
    job = fair.finished(story)
    assert job["status"] == "succeeded", (job["error"], job["attempts"])
    assert Decimal(job["cost"]["cost_usd"]) == Decimal(story.simulated.cost_usd), job["cost"]
    assert job["cost"]["source"] == story.simulated.cost_source
    assert fair.entries(story) == ["hold", "settle"]
    [attempt] = job["attempts"]
    assert (attempt["status"], attempt["turns"]) == ("succeeded", story.simulated.turns)
    assert len(fair.runs(story)) == 1


@told("")
def test_what_comes_back_can_be_had_and_decodes_and_is_as_asked(fair: Fair, story: Story) -> None:
    outputs = fair.finished(story)["outputs"]
    assert len(outputs) == story.simulated.job.get("count", 1)
    for output in outputs:
        look_at(output, fair.customers[story.name], story.simulated.job)


def look_at(output: dict[str, Any], customer: Customer, asked: Any) -> None:
    """One output: downloaded, decoded, and of the size and length that was asked for."""
    if output["mime"].startswith("text/"):
        assert output["text"].strip()
        return
    answer = customer.get(output["url"])
    assert answer.status_code == 200 and answer.headers["content-type"] == output["mime"]
    if output["mime"].startswith("image/"):
        picture = Image.open(io.BytesIO(answer.content))
        picture.load()
        size = picture.size
    else:
        with av.open(io.BytesIO(answer.content)) as container:
            frames = sum(1 for _ in container.decode(container.streams[0]))
            assert frames > 0
            size = (output["width"], output["height"])
            wanted_s = asked.get("duration_s")
            assert wanted_s is None or abs(output["duration_s"] - wanted_s) < 0.2
    assert size == (asked.get("width") or size[0], asked.get("height") or size[1])


@told("", only=lambda simulated: simulated.turns > 1)
def test_a_job_that_takes_turns_is_seen_running(fair: Fair, story: Story) -> None:
    job = fair.finished(story)
    assert job["status"] == "succeeded" and job["started_at"], (job["error"], job["attempts"])
    assert job["id"] in fair.running


@told("refuse")
def test_a_refusal_blames_the_request_and_costs_what_the_provider_takes_for_it(fair: Fair, story: Story) -> None:
    job = fair.finished(story)
    assert (job["status"], job["error"]["code"]) == ("failed", "content_rejected"), job["error"]
    assert Decimal(job["cost"]["cost_usd"]) == Decimal(story.simulated.refusal_cost_usd)
    assert fair.entries(story) == ["hold", "settle"] and len(job["attempts"]) == 1


@told("fail")
def test_a_run_that_fails_is_the_providers_fault(fair: Fair, story: Story) -> None:
    """The first attempt only: others follow, at a video's pace."""
    job = fair.when(story, lambda job: job["attempts"][0]["status"] == "failed")
    first = job["attempts"][0]
    assert first["fault"] == "provider_fault" and first["message"], first
    assert fair.runs(story) or story.simulated.turns == 1


@told("nonsense")
def test_nonsense_is_a_bad_reply(fair: Fair, story: Story) -> None:
    job = fair.finished(story)
    assert (job["status"], job["error"]["code"]) == ("failed", "bad_reply"), job["error"]
    assert Decimal(job["cost"]["cost_usd"]) == 0 and fair.entries(story) == ["hold", "settle"]


@told("throttle")
def test_a_job_that_is_throttled_waits_and_succeeds(fair: Fair, story: Story) -> None:
    job = fair.finished(story)
    assert [each["fault"] for each in job["attempts"]] == ["rate_limited", None], job["attempts"]
    assert_ran_once(fair, story, job)


@told("break")
def test_a_submit_that_is_answered_500_is_made_again(fair: Fair, story: Story) -> None:
    job = fair.finished(story)
    assert [each["fault"] for each in job["attempts"]] == ["provider_fault", None], job["attempts"]
    assert_ran_once(fair, story, job)


@told("drop submit")
def test_a_submit_whose_answer_is_lost_is_never_sent_twice_and_its_hold_stays(fair: Fair, story: Story) -> None:
    if CATALOG.cards[story.simulated.provider].idempotency_header:
        return assert_ran_once(fair, story, fair.finished(story))
    job = fair.when(story, lambda job: job["attempts"][0]["status"] == "unknown")
    assert job["status"] == "running" and job["attempts"][0]["fault"] == "unreachable"
    assert fair.entries(story) == ["hold"] and len(job["attempts"]) == len(fair.runs(story)) == 1
    return None


@pytest.mark.parametrize("story", DROPS, ids=[f"{story.name} {story.word}" for story in DROPS])
def test_a_later_turn_whose_answer_is_lost_is_taken_again(fair: Fair, story: Story) -> None:
    job = fair.finished(story)
    assert_ran_once(fair, story, job)
    [run] = fair.runs(story)
    assert run.dropped and len(job["attempts"]) == 1


@told("slow", only=lambda simulated: simulated.cancels)
def test_a_canceled_job_is_stopped_at_the_provider(fair: Fair, story: Story) -> None:
    fair.when(story, lambda job: job["attempts"][0]["turns"] > story.simulated.uploads)
    customer = fair.customers[story.name]
    canceled = customer.post(f"/v1/jobs/{fair.job_id(story)}/cancel").json()
    assert (canceled["status"], canceled["effective"]) == ("canceled", "provider"), json.dumps(canceled)
    [run] = fair.runs(story)
    assert run.canceled and fair.entries(story) == ["hold", "settle"]


def assert_ran_once(fair: Fair, story: Story, job: dict[str, Any]) -> None:
    assert job["status"] == "succeeded", (job["error"], job["attempts"])
    assert len(fair.runs(story)) == 1
    assert Decimal(job["cost"]["cost_usd"]) == Decimal(story.simulated.cost_usd)
    reasons = fair.entries(story)
    assert reasons[0] == "hold" and reasons[-1] == "settle" and reasons.count("settle") == 1
