"""Every page of the dashboard in one table: a page that is added is one line here, and is opened, shot and measured."""

from typing import NamedTuple

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
    Look("churn", "/churn?board=made-up/text-to-image", ("Half-life of a place", "How long a place lasts")),
    Look("playground", "/playground", ("What matters", "quoted")),
    Look("jobs", "/jobs", ("Newest outputs",)),
    Look("job", "/jobs?job={job}", ("Receipt", "Attempts")),
    Look("decisions", "/decisions?decision={decision}", ("points ahead of", "rejected")),
    Look("money", "/money", ("Compute units", "A job on average")),
    Look("operations", "/operations", ("Ticks", "Price proposals", "Keys")),
)


def address(look: Look, gateway: Gateway) -> str:
    """The page's address on a filled gateway: its newest picture of the past, and how that was decided."""
    if "{" not in look.path:
        return look.path
    pictures = gateway.admin.get("/v1/jobs?status=succeeded&task=text-to-image&limit=100").json()["data"]
    newest = next(each for each in pictures if not each["offer"].startswith("sandbox/"))
    return look.path.format(job=newest["id"], decision=newest["decision"])
