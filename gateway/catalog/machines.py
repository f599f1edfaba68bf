"""The tables of models, machines and published runs, read from the catalog and an operator's folder. No arithmetic."""

from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from adapters.registry import CATALOG_DIR, BadCatalog
from adapters.schema import Frozen
from router.compute.tables import Architecture, Machine, PublishedPeak, PublishedRun, Tables

FOLDER = "compute"
FILE_BYTES = 4 * 2**20
"""A file of assumptions is a few kilobytes; whatever is a thousand times that is not one."""

T = TypeVar("T", bound=Frozen)


@cache
def load_tables(overlay: Path | None = None) -> Tables:
    """Ours, with those of `overlay`/compute in place of those of the same name. Raises BadCatalog."""
    tables = Tables({}, {})
    for folder in [CATALOG_DIR / FOLDER] + ([overlay / FOLDER] if overlay else []):
        for path in sorted(folder.glob("*.yaml")):
            tables = lay_over(tables, path)
    return tables


def lay_over(tables: Tables, path: Path) -> Tables:
    """The tables with what a file says in place of what has the same name. Raises BadCatalog with file and place."""
    data = _mapping(path)
    if unknown := data.keys() - {"architectures", "machines", "runs", "peaks"}:
        raise BadCatalog(f"{path.name}: there is no table {', '.join(sorted(map(str, unknown)))}")
    architectures = {each.name: each for each in _listed(path, data, "architectures", Architecture)}
    machines = {each.name: each for each in _listed(path, data, "machines", Machine)}
    found = Tables(
        {**tables.architectures, **architectures}, {**tables.machines, **machines},
        (*tables.runs, *_listed(path, data, "runs", PublishedRun)),
        (*tables.peaks, *_listed(path, data, "peaks", PublishedPeak)),
    )  # fmt: skip
    return found


def _mapping(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise BadCatalog(f"{path}: there is no such file")
    if path.stat().st_size > FILE_BYTES:
        raise BadCatalog(f"{path.name}: is larger than {FILE_BYTES} bytes")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadCatalog(f"{path.name}: {error}") from error
    if not isinstance(data, dict):
        raise BadCatalog(f"{path.name}: a mapping is expected at the top")
    return data


def _listed(path: Path, data: dict[str, Any], key: str, kind: type[T]) -> list[T]:
    items = data.get(key, [])
    if not isinstance(items, list):
        raise BadCatalog(f"{path.name}: {key}: a list is expected")
    return [_validated(path, f"{key}.{number}", kind, item) for number, item in enumerate(items)]


def _validated(path: Path, place: str, kind: type[T], item: object) -> T:
    try:
        return kind.model_validate(item)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, (place, *first["loc"])))
        raise BadCatalog(f"{path.name}: {where}: {first['msg']}") from error
