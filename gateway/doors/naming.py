"""What a vendor's name for a model means here: one of our models or offers, `auto`, and sometimes the task as well."""

from collections.abc import Iterator

from adapters.schema import Offer, Task
from gateway.catalog.supply import Supply
from gateway.doors.tasks import NAMED
from gateway.doors.translate import Meant
from router.names import AUTO, Auto, OneModel, OneOffer, Unknown

OURS = "podium/"
"""The owner under which `auto` stands, for clients that insist on `owner/name`."""


def meant(supply: Supply, provider: str, name: str) -> Meant | None:
    """The model behind a name, or None. `provider` is the vendor whose API is spoken: its own names tell the task."""
    for text, said in _readings(name):
        offers = _offers(supply, text)
        if offers is None:
            continue
        named = supply.names.resolve(text)
        able = frozenset(task for task, found in offers.items() if found)
        answers = [each for found in offers.values() for each in found if each.provider == provider]
        return Meant(
            model=text,
            offers=offers,
            able=able,
            task=said or _told(text, provider, offers, able),
            is_one=not isinstance(named, Auto),
            vendor_answers=any(supply.obstacle(offer, True) is None for offer in answers),
        )
    return None


def _readings(name: str) -> Iterator[tuple[str, Task | None]]:
    """The name as it stands, then without the task that it may end with."""
    text = name.strip("/").removeprefix(OURS) if name.startswith(f"{OURS}{AUTO}") else name.strip("/")
    yield text, None
    start, _, end = text.rpartition("/")
    if start and end in NAMED:
        yield start, NAMED[end]


def _offers(supply: Supply, text: str) -> dict[Task, tuple[Offer, ...]] | None:
    """The offers that a name leaves open, by task; None if it is no name of anything."""
    match supply.names.resolve(text):
        case Auto():
            return dict(supply.by_task)
        case OneModel(model):
            return {task: tuple(o for o in found if o.model == model) for task, found in supply.by_task.items()}
        case OneOffer(offer, _):
            return {task: tuple(o for o in found if o.id == offer) for task, found in supply.by_task.items()}
        case Unknown():
            return None


def _told(text: str, provider: str, offers: dict[Task, tuple[Offer, ...]], able: frozenset[Task]) -> Task | None:
    """The task that a vendor's endpoint stands for, if it stands for one; or what its last part says."""
    wired = {
        task for task, found in offers.items() for o in found if o.provider == provider and o.wire_id == text.casefold()
    }
    if len(wired) == 1:
        return wired.pop()
    last = NAMED.get(text.rpartition("/")[2])
    return last if last in able and not wired else None
