"""Our models as Replicate lists models, each with the schema of its inputs; and the model that a version stands for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from adapters.schema import Model, Offer, Task
from gateway.catalog.supply import Supply
from gateway.doors.naming import OURS, meant
from gateway.doors.replicate.schemas import COG, schema, version_of
from gateway.doors.translate import Meant
from router.names import AUTO

PROVIDER = "replicate"
EPOCH = date(2026, 1, 1)
"""When a model was made, for those of which nobody knows it: clients want a date."""
PAGE = 100


class Listed(NamedTuple):
    """A model under the name that a caller used, with its one version."""

    name: str
    version: str
    meant: Meant
    document: dict[str, Any]
    created_at: str


@dataclass
class Models:
    """Made once: schemas change with the catalog, which is read at start. `versions` are found when first asked for."""

    supply: Supply
    versions: dict[str, str] = field(default_factory=dict)

    def find(self, name: str) -> Listed | None:
        """A model by any of its names, `owner/name` or longer."""
        found = meant(self.supply, PROVIDER, name)
        if found is None or not any(found.offers.values()):
            return None
        canonical = self._canonical(found)
        document = schema(found.offers if found.is_one else _everyday(found.offers))
        known = self.supply.models.get(canonical)
        created = (known.released if known else None) or EPOCH
        return Listed(name, version_of(canonical, document), found, document, f"{created.isoformat()}T00:00:00Z")

    def by_version(self, version: str) -> Listed | None:
        """A model by `owner/name`, by `owner/name:version`, or by its version alone."""
        name, colon, number = version.partition(":")
        if "/" not in name:
            return self._numbered(name)
        if not colon:
            return self.find(name)
        pinned = meant(self.supply, PROVIDER, version)  # some of Replicate's models are in the catalog by a version
        if pinned is not None:
            return self.find(version)
        found = self.find(name)
        return found if found and found.version == number else None

    def page(self, after: str | None, words: str = "") -> tuple[list[dict[str, Any]], str | None]:
        """Models by name, those after the given one; and the last name, if more follow."""
        names = [name for name in self._names() if (after is None or name > after) and words in name]
        shown = [self.view(found) for name in names[:PAGE] if (found := self.find(name))]
        return shown, names[PAGE - 1] if len(names) > PAGE else None

    def view(self, listed: Listed) -> dict[str, Any]:
        """One model. How often it was run is nobody's business here, so it is said to be never."""
        owner, _, name = listed.name.partition("/")
        known = self.supply.models.get(self._canonical(listed.meant))
        return {
            "url": f"https://replicate.com/{owner}/{name}", "owner": owner, "name": name,
            "description": _described(known, listed), "visibility": "public", "github_url": None, "paper_url": None,
            "license_url": None, "run_count": 0, "cover_image_url": None, "default_example": None,
            "latest_version": version_view(listed),
        }  # fmt: skip

    def offers(self, model: str, task: Task) -> list[Offer]:
        return [offer for offer in self.supply.by_task[task] if offer.model == model]

    def _canonical(self, found: Meant) -> str:
        """Our id of a model; `auto` itself where no model is named."""
        if not found.is_one:
            return found.model
        return next(offer.model for offers in found.offers.values() for offer in offers)

    def _names(self) -> list[str]:
        return sorted({offer.model for offers in self.supply.by_task.values() for offer in offers})

    def _numbered(self, version: str) -> Listed | None:
        if not self.versions:
            self.versions = {found.version: name for name in self._all() if (found := self.find(name))}
        return self.find(self.versions[version]) if version in self.versions else None

    def _all(self) -> Iterator[str]:
        yield f"{OURS}{AUTO}"
        yield from self._names()


def version_view(listed: Listed) -> dict[str, Any]:
    known = {"id": listed.version, "created_at": listed.created_at, "cog_version": COG}
    return known | {"openapi_schema": listed.document}


def _everyday(offers: Mapping[Task, Any]) -> dict[Task, Any]:
    """What `auto` is asked for most: pictures and clips out of words. The fields of all tasks would be too many."""
    return {task: offers[task] for task in (Task.TEXT_TO_IMAGE, Task.TEXT_TO_VIDEO)}


def _described(known: Model | None, listed: Listed) -> str:
    tasks = ", ".join(sorted(listed.meant.able))
    return f"{known.name} by {known.maker}: {tasks}" if known else f"chosen for each request: {tasks}"
