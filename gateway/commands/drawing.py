"""Decisions and receipts for people: JSON of the API in, things for a terminal out. It asks nobody."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gateway.commands.terminal import table

NAMED = 3
"""Offers that one line of reasons names; the rest are counted."""

Json = Mapping[str, Any]


def money(usd: str | None) -> str:
    """An amount without the zeros that say nothing."""
    if usd is None:
        return "–"
    whole, _, part = usd.partition(".")
    return f"{whole}.{part.rstrip('0').ljust(2, '0')} USD"


def seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 100 else f"{value:.0f} s"


def ranked(decision: Json) -> Table:
    """The offers that could do it, best first, each with what its score is made of."""
    drawn = table("", "offer", "score", "quote", "half within", keep="offer")
    for place, row in enumerate(decision["ranked"], 1):
        said = f"\n[dim]{escape(row['said'])}[/]" if row.get("said") else ""
        offer = f"{'[bold]' if place == 1 else '[not bold]'}{escape(row['offer'])}[/]\n[dim]{parts(row)}[/]{said}"
        drawn.add_row(str(place), offer, f"{row['score']:.3f}", money(row["quote_usd"]), seconds(row["eta_s"]["p50"]))
    return drawn


def parts(row: Json) -> str:
    """`quality 0.61 + cost 0.48`: the parts of a score, which add up to it."""
    return " + ".join(f"{name} {value:.3f}" for name, value in row["parts"].items())


def why(decision: Json) -> str:
    """Why the first and not the second, in a sentence with numbers."""
    first, *others = decision["ranked"]
    if not others:
        return f"{first['offer']}: the only offer here that can do this."
    second = others[0]
    scores = f"{first['score']:.3f} against {second['score']:.3f}"
    return f"{first['offer']} scores {scores} for {second['offer']}{_differences(first, second)}."


def _differences(first: Json, second: Json) -> str:
    """`: cheaper (…), slower (…)`: all in which two ranked offers differ, in the words of the first."""
    compared = (
        ("better", "weaker", -first["quality"]["value"], -second["quality"]["value"], lambda value: f"{-value:.2f}"),
        ("cheaper", "dearer", float(first["quote_usd"]), float(second["quote_usd"]), lambda usd: money(f"{usd:.9f}")),
        ("quicker", "slower", first["eta_s"]["p50"], second["eta_s"]["p50"], seconds),
    )
    found = [
        f"{less if one < other else more} ({shown(one)} against {shown(other)})"
        for less, more, one, other, shown in compared
        if one != other
    ]
    return f": {', '.join(found)}" if found else ", by its name alone"


def rejected(decision: Json) -> Table:
    """The offers that were not considered further, by reason; those that only lack a key in one line."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for row in decision["rejected"]:
        reason = row["reason"]
        by_reason[NO_KEY if reason.startswith("has no key") else reason].append(row["offer"])
    drawn = table("rejected", "because it", keep="because it")
    for reason, offers in sorted(by_reason.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        drawn.add_row(f"[dim]{escape(_counted(offers))}[/]", f"[dim]{escape(reason)}[/]")
    return drawn


NO_KEY = "has no key here: `podium offers` says which variable"


def _counted(offers: list[str]) -> str:
    if len(offers) <= NAMED:
        return ", ".join(offers)
    providers = {offer.partition("/")[0] for offer in offers}
    if len(providers) == 1:
        return f"{len(offers)} offers of {providers.pop()}"
    return f"{len(offers)} offers of {len(providers)} providers"


def decided(decision: Json) -> Group:
    """A decision as a whole: by which policy and evidence, the ranked, the rejected."""
    policy = decision["policy"]
    weights = ", ".join(f"{name} {weight:g}" for name, weight in policy["weights"])
    by = f"[dim]policy {policy['name']} ({weights}), evidence of {decision['evidence_id'].removeprefix('ev_')}[/]"
    lines: list[RenderableType] = [Text.from_markup(by)]
    lines += [ranked(decision)] if decision["ranked"] else [Text("no offer can do this", style="red")]
    lines += [rejected(decision)] if decision["rejected"] else []
    return Group(*lines)


def receipt(job: Json, balance_usd: str | None) -> Table:
    """What a job cost and how that comes about, line by line."""
    cost = job["cost"]
    drawn = Table(box=None, show_header=False, pad_edge=False)
    for line in cost["lines"]:
        each = f"{line['quantity']} {line['unit'].replace('_', ' ')} at {money(line['usd_each'])}"
        drawn.add_row(escape(each), money(line["usd"]))
    drawn.add_row(f"cost [dim](quoted {money(cost['quote_usd'])}, held {money(cost['held_usd'])})[/]",
                  f"[bold]{money(cost['cost_usd'])}[/]")  # fmt: skip
    if balance_usd is not None:
        drawn.add_row("balance after", money(balance_usd))
    return drawn


def made(job: Json, files: list[Path]) -> Group:
    """What came out, and where it lies; of a text, also the words."""
    lines: list[RenderableType] = []
    for output, path in zip(job["outputs"], files, strict=True):
        lines.append(Text.assemble((str(path), "bold green"), (f"  {_facts(output)}", "dim")))
        lines += [Text(output["text"], style="italic")] if output.get("text") else []
    return Group(*lines)


def _facts(output: Json) -> str:
    facts = [output["mime"]]
    if output.get("width"):
        facts.append(f"{output['width']} × {output['height']}")
    if output.get("duration_s"):
        facts.append(seconds(output["duration_s"]))
    if output.get("frames"):
        facts.append(f"{output['frames']} frames")
    return ", ".join(facts)
