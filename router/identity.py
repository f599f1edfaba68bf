"""How well labels are resolved, measured on a table of labels whose models are known, with a part of it held out.

Pure counting. A label that is left unresolved costs recall; one that is taken for another model costs precision, and
that is the worse of the two: it gives a model somebody else's standing.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from adapters.schema import Model, Task
from router.labels import bare_key
from router.names import collect

HELD_OUT = 3
"""One label in three is held out: the names are built from the two others and tried on it."""

ALIASES_MOST = 20_000
"""Rows of one table: a hundred times the labels of one board."""


class Alias(NamedTuple):
    """A label, the model that it means, the tasks of that model, and who writes it so."""

    model: str
    label: str
    tasks: frozenset[Task]
    namespace: str


class Score(NamedTuple):
    """Labels that got the right model, a wrong one, and none."""

    right: int
    wrong: int
    unresolved: int

    @property
    def precision(self) -> float:
        """Of those that got a model; 1 if none did, for then nothing wrong was said."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        total = sum(self)
        return self.right / total if total else 1.0


class Check(NamedTuple):
    """`held_out`: labels that the names were not built from. `strangers`: every label of a model that was taken out
    of the catalog, where the only right answer is none. `clusters`: pairs of labels, right if both mean one model and
    share a normal form, wrong if they share one and mean two. `wrong`: the labels taken for another model, and which.
    """

    held_out: Score
    by_namespace: Mapping[str, Score]
    strangers: Score
    clusters: Score
    wrong: tuple[tuple[str, str, str], ...]


def is_held_out(label: str, parts: int = HELD_OUT) -> bool:
    """The same for one label on every machine and day, and in whichever case it is written."""
    return int.from_bytes(hashlib.sha256(label.strip().casefold().encode()).digest()[:8]) % parts == 0


def check(aliases: Collection[Alias]) -> Check:
    """Measure a table. Raises ValueError if it is longer than ALIASES_MOST."""
    if len(aliases) > ALIASES_MOST:
        raise ValueError(f"{len(aliases)} labels; {ALIASES_MOST} are measured")
    known = [alias for alias in aliases if not is_held_out(alias.label)]
    asked = [alias for alias in aliases if is_held_out(alias.label)]
    resolve = collect(_models(aliases, known), ()).resolve_label
    answers = [(alias, resolve(alias.label)) for alias in asked]
    missed, taken = _strangers(aliases)
    return Check(
        held_out=score((alias.model, answer) for alias, answer in answers),
        by_namespace=_by_namespace(answers),
        strangers=Score(missed, len(taken), 0),
        clusters=_clusters(aliases),
        wrong=tuple((alias.label, alias.model, got) for alias, got in answers if got not in (None, alias.model)),
    )


def score(answers: Iterable[tuple[str, str | None]]) -> Score:
    """Of pairs (right model, answer)."""
    counts = Counter("none" if answer is None else answer == right for right, answer in answers)
    return Score(counts[True], counts[False], counts["none"])


def against(aliases: Iterable[Alias], resolve: Callable[[str], str | None]) -> Score:
    """The same labels against other names, such as the catalog's. A model's right answer is what its own id means
    there; models that are not there are left out."""
    own = {model: resolve(model) or resolve(model.partition("/")[2]) for model in {alias.model for alias in aliases}}
    return score((meant, resolve(alias.label)) for alias in aliases if (meant := own[alias.model]))


def _models(aliases: Iterable[Alias], known: Iterable[Alias]) -> list[Model]:
    """Every model of the table, with only the known labels as aliases."""
    tasks = {alias.model: alias.tasks for alias in aliases}
    labels: dict[str, list[str]] = defaultdict(list)
    for alias in known:
        labels[alias.model].append(alias.label)
    return [
        Model(id=id, name=id, maker=id.partition("/")[0], tasks=tasks[id], aliases=tuple(labels[id]))
        for id in sorted(tasks)
    ]


def _by_namespace(answers: Iterable[tuple[Alias, str | None]]) -> dict[str, Score]:
    grouped: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    for alias, answer in answers:
        grouped[alias.namespace].append((alias.model, answer))
    return {namespace: score(pairs) for namespace, pairs in sorted(grouped.items())}


def _strangers(aliases: Collection[Alias]) -> tuple[int, list[str]]:
    """Take one model after another out of the catalog: how many of its labels mean nothing then, and those that are
    taken for another. Labels that the table itself gives to two models are left out."""
    models = _models(aliases, aliases)
    meant: dict[str, set[str]] = defaultdict(set)
    for alias in aliases:
        meant[alias.label.casefold()].add(alias.model)
    missed, taken = 0, list[str]()
    for absent in models:
        resolve = collect((model for model in models if model is not absent), ()).resolve_label
        for label in {label for label in absent.aliases if len(meant[label.casefold()]) == 1}:
            if resolve(label) is None:
                missed += 1
            else:
                taken.append(label)
    return missed, taken


def _clusters(aliases: Iterable[Alias]) -> Score:
    """By pairs of different labels: the rules alone, without one alias."""
    entries = sorted({(bare_key(alias.label), alias.model, alias.label) for alias in aliases})
    keyed = Counter(key for key, _, _ in entries)
    meant = Counter(model for _, model, _ in entries)
    both = Counter((key, model) for key, model, _ in entries)
    right = sum(map(_pairs, both.values()))
    return Score(right, sum(map(_pairs, keyed.values())) - right, sum(map(_pairs, meant.values())) - right)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2
