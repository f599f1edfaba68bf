"""Every page of the dashboard in one table: a page that is added is one line here, and is opened, shot and measured."""

from typing import Any, NamedTuple

from tests.stories.house import Gateway


class Look(NamedTuple):
    """A page: its name, its address (`{job}` and `{decision}` are filled in), and words that it must show."""

    name: str
    path: str
    told: tuple[str, ...]


LOOKS = (
    Look("overview", "/", ("Spent today", "The last 30 days", "What changed this week")),
    Look("frontier", "/frontier", ("A cheaper model as good", "A better model for the same money")),
    Look("models", "/models?model=openai/gpt-image-2", ("Quality by task", "On leaderboards")),
    Look(
        "leaderboards",
        "/leaderboards?board=made-up/text-to-image&top=8",
        ("Places over the last 90 days", "New among the first 8", "mean no model of ours"),
    ),
    Look(
        "churn",
        "/churn?board=made-up/text-to-image",
        (
            "Half-life of a place",
            "How long a place lasts",
            "Who was among the first 5, and when",
            "What comes to an end",
        ),
    ),
    Look("playground", "/playground", ("What matters", "quoted")),
    Look("playground-run", "/playground?{runs}", ("Side by side", "Receipt", "by the price table")),
    Look("jobs", "/jobs", ("Newest outputs",)),
    Look("job", "/jobs?job={job}", ("Receipt", "Attempts")),
    Look("workflows", "/workflows", ("Begin one", "Choose a row to open it")),
    Look("workflow", "/workflows?workflow={workflow}", ("Steps that succeeded", "What it made")),
    Look("arena", "/arena?task=text-to-image", ("Begin a battle", "Where models stand", "Your battles")),
    Look("decisions", "/decisions?decision={decision}", ("points ahead of", "What would have changed it", "rejected")),
    Look("money", "/money", ("Compute units", "A job on average")),
    Look("money-budgets", "/money?part=Budgets", ("spent or held",)),
    Look("money-holds", "/money?part=Holds", ("Money that is reserved",)),
    Look("money-cheaper", "/money?part=Cheaper", ("might have been saved",)),
    Look("operations-decide", "/operations?part=To+decide", ("Price proposals", "Unresolved names")),
    Look("operations-keys", "/operations?part=Keys", ("A new key", "Revoke a key", "Plans")),
    Look("operations", "/operations", ("Ticks", "Providers", "Leaderboards")),
)


def address(look: Look, gateway: Gateway) -> str:
    """The page's address on a filled gateway. Where it has something to show, it is of the past, or made now."""
    filled = {"job": a_job, "decision": a_decision, "workflow": made_workflow, "runs": made_runs}
    if look.name == "workflows":
        made_workflow(gateway)
    return look.path.format_map({name: find(gateway) for name, find in filled.items() if f"{{{name}}}" in look.path})


def pictures(gateway: Gateway) -> list[dict[str, Any]]:
    """The newest pictures of the made-up past, newest first."""
    found = gateway.admin.get("/v1/jobs?status=succeeded&task=text-to-image&limit=200").json()["data"]
    return [each for each in found if not each["offer"].startswith("sandbox/")]


def a_job(gateway: Gateway) -> str:
    """One that needed a second attempt, if there is one: it has more to show."""
    found = pictures(gateway)
    return str(next((each for each in found if len(each["attempts"]) > 1), found[0])["id"])


def a_decision(gateway: Gateway) -> str:
    """One of the policy that most have, whose score has several parts."""
    found = [each["decision"] for each in pictures(gateway)[:DECISIONS_MOST]]
    for each in found:
        if gateway.admin.get(f"/v1/decisions/{each}").json()["policy"]["name"] == "balanced":
            return str(each)
    return str(found[0])


DECISIONS_MOST = 40
SMALL = {"task": "text-to-image", "model": "podium/sandbox-pictures", "width": 256, "height": 256}
WORDS = {"task": "text", "model": "podium/sandbox-words", "prompt": "One line on a fox.", "max_tokens": 20}
STEPS = [
    {"id": "outline", "job": WORDS},
    {"id": "still", "job": SMALL | {"prompt": "A poster: {{outline.text}}"}},
    {"id": "night", "job": {
        "task": "image-edit", "model": "podium/sandbox-pictures", "prompt": "make it night",
        "inputs": [{"role": "source", "from": "still.outputs.0"}],
    }},
]  # fmt: skip


def made_runs(gateway: Gateway) -> str:
    """Two models of the sandbox on one prompt, as the words of an address."""
    caller = gateway.customer("1")
    body = {"task": "text-to-image", "prompt": "a red fox in fresh snow", "width": 1024, "height": 1024}
    models = ("podium/sandbox-pictures", "podium/sandbox-pictures-draft")
    return "&".join(f"jobs={caller.done(body | {'model': model})['id']}" for model in models)


def made_workflow(gateway: Gateway) -> str:
    """The newest workflow that succeeded, or one that is made now: words, a picture of them, and that changed."""
    found = gateway.admin.get("/v1/workflows?status=succeeded&limit=1").json()["data"]
    if found:
        return str(found[0]["id"])
    made = gateway.customer("1").post(
        "/v1/workflows", {"name": "A fox, told and drawn", "steps": STEPS}, Prefer="wait=60"
    ).json()  # fmt: skip
    assert made["status"] == "succeeded", made
    return str(made["id"])
