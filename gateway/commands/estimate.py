"""`podium estimate`: what an output costs to compute on a machine, and how far such figures are from published runs."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Console

from gateway import clock
from gateway.catalog.estimates import Ask, Estimator
from gateway.catalog.machines import lay_over, load_tables
from gateway.commands.catalog import believed
from gateway.commands.terminal import Refused, show, table
from gateway.settings import settings
from router.compute import checking
from router.compute.checking import Checked, Summary
from router.compute.tables import Tables

GIB = 2.0**30


def estimate(wanted: Mapping[str, Any], assumptions: Path | None, as_json: bool) -> None:
    """One output of a model on a machine. `wanted` are the fields of an `Ask` that were given."""
    ask = Ask.model_validate({name: value for name, value in wanted.items() if value is not None})
    here = cache(believed)  # read when an offer or another name of a model is asked for: it takes a second
    estimator = Estimator(tables(assumptions), lambda: here()[0], lambda: here()[1])
    document = estimator.answer(ask, clock.now().date())
    show(document, as_json, lambda console: _draw(console, document))


def tables(assumptions: Path | None) -> Tables:
    """What is known here, and over it what a file says."""
    known = load_tables(settings().catalog_dir)
    return lay_over(known, assumptions) if assumptions else known


def known(assumptions: Path | None, as_json: bool) -> None:
    """The models and machines that can be named."""
    found = tables(assumptions)
    models = [{"name": each.name, "title": each.title, "models": each.models, "layers": each.layers,
               "width": each.width} for each in found.architectures.values()]  # fmt: skip
    machines = [{"name": each.name, "title": each.title, "peak_tflops": each.peak_tflops,
                 "memory_gib": each.memory_gib, "bandwidth_gb_s": each.bandwidth_gb_s,
                 "usd_per_hour": each.usd_per_hour} for each in found.machines.values()]  # fmt: skip
    show({"models": models, "machines": machines}, as_json, lambda console: _draw_known(console, models, machines))


def check(assumptions: Path | None, as_json: bool) -> None:
    """Every published run beside its estimate."""
    found = tables(assumptions)
    checked = checking.check_runs(found)
    document = {
        "runs": [_run(each) for each in checked],
        "one_device": _summary([each for each in checked if each.is_one_device]),
        "all": _summary(checked),
        "utilisation": [each._asdict() for each in checking.fit_classes(found)],
        "scaling": [each._asdict() for each in checking.fit_scaling(found)],
        "memory": [_peak(each) for each in checking.check_peaks(found)],
    }
    show(document, as_json, lambda console: _draw_check(console, document))


def _run(each: Checked) -> dict[str, Any]:
    run = each.run
    return {
        "model": run.architecture, "task": run.task, "width": run.width, "height": run.height, "frames": run.frames,
        "steps": run.steps, "tokens": each.tokens, "flop": each.flop, "machine": run.machine, "devices": run.count,
        "stack": run.stack, "part": run.part, "published_s": run.seconds, "estimated_s": each.estimated_s,
        "error": each.error, "held_out_error": each.held_out_error, "one_device": each.is_one_device,
        "source": run.source, "unsure": run.unsure,
    }  # fmt: skip


def _peak(each: checking.CheckedPeak) -> dict[str, Any]:
    return {
        "model": each.peak.architecture, "published_bytes": each.published, "estimated_bytes": each.estimated,
        "error": each.error, "source": each.peak.source, "unsure": each.peak.unsure,
    }  # fmt: skip


def _summary(checked: Sequence[Checked]) -> dict[str, Any]:
    try:
        found: Summary = checking.summary(checked)
    except ValueError as error:
        raise Refused(str(error)) from error
    return found._asdict() | {"worst": _run(found.worst)}


def _draw(console: Console, document: dict[str, Any]) -> None:
    given = document["assumptions"]
    what = "{architecture}: {width}x{height}, {frames} frames, {steps} steps of {forwards}, {tokens} tokens"
    console.print(what.format(**given))
    on = "on {devices} x {machine} at {peak_tflops:g} TFLOP/s ({precision}), {utilisation:.0%} of it ({stack})"
    console.print(on.format(**given) + "\n")
    drawn = table("", "", keep="")
    drawn.show_header = False
    for name, value in _rows(document):
        drawn.add_row(name, value)
    console.print(drawn)
    if "rent_or_host" in document:
        _draw_hosting(console, document["rent_or_host"])
    for sentence in given["unsure"]:
        console.print(f"[dim]unsure: {sentence}[/]", soft_wrap=True)


def _rows(document: dict[str, Any]) -> list[tuple[str, str]]:
    given = document["assumptions"]
    memory = given["memory"]
    each, hourly = document["usd_each"], given["usd_per_hour"]
    fits = "fits" if document["fits_memory"] else "does not fit"
    return [
        ("FLOP of a layer", f"{document['flop_layer'] / 1e12:,.1f} TFLOP"),
        ("FLOP in all", f"{document['flop'] / 1e12:,.0f} TFLOP"),
        ("moved", f"{document['bytes'] / GIB:,.0f} GiB"),
        ("intensity", f"{document['intensity']:,.0f} FLOP/byte"),
        ("computing", f"{document['compute_s']:,.1f} s"),
        ("moving", f"{document['memory_s']:,.1f} s"),
        ("text and VAE", f"{given['text_s'] + given['vae_s']:,.1f} s"),
        ("one output", f"{document['seconds']:,.1f} s"),
        ("outputs an hour", f"{document['outputs_per_hour']:,g}"),
        ("one costs", "no price is known: give --usd-per-hour" if each is None else
         f"{_cents(each)} USD at {hourly} an hour for each of {given['devices']}"),
        ("memory", f"{fits}: {memory['least'] / GIB:,.1f} of {memory['available'] / GIB:,.1f} GiB, "
                   f"{memory['whole'] / GIB:,.1f} with the text encoder"),
    ]  # fmt: skip


def _cents(usd: str) -> str:
    """To cents; below ten of them, to two figures."""
    return f"{float(usd):,.2f}" if float(usd) >= 0.1 else f"{float(usd):.2g}"


def _draw_hosting(console: Console, found: dict[str, Any]) -> None:
    console.print(f"\nrent: {found['offer']} at {found['offer_usd_each']} USD each")
    for each in found["offers"][0]["adjustments"]:
        console.print(f"[dim]it takes {each['parameter']} {each['sent']}, not {each['asked']}[/]")
    month = "own: {own_usd_per_month} USD a month, at most {capacity_per_month:,} outputs, {own_usd_each_busy} USD each"
    console.print(month.format(**found))
    if found["break_even_per_month"] is None:
        console.print("[bold]rent[/]: a machine of your own never costs less, however much it works")
    else:
        share = f"{found['break_even_busy']:.0%} of what it can make"
        console.print(f"[bold]host[/] from {found['break_even_per_month']:,} outputs a month on ({share}); below, rent")


def _draw_known(console: Console, models: Sequence[dict[str, Any]], machines: Sequence[dict[str, Any]]) -> None:
    drawn = table("model", "", "layers", "width", keep="model")
    for each in models:
        drawn.add_row(each["name"], each["title"], str(each["layers"]), str(each["width"]))
    console.print(drawn)
    drawn = table("machine", "", "TFLOP/s", "GiB", "GB/s", "USD/h", keep="machine")
    for each in machines:
        peaks = ", ".join(f"{name} {peak:g}" for name, peak in each["peak_tflops"].items())
        figures = (f"{each['memory_gib']:g}", f"{each['bandwidth_gb_s']:g}", str(each["usd_per_hour"] or "?"))
        drawn.add_row(each["name"], each["title"], peaks, *figures)
    console.print()
    console.print(drawn)


def _draw_check(console: Console, document: dict[str, Any]) -> None:
    drawn = table("model", "size", "PFLOP", "machine", "stack", "published", "estimated", "error", "held out",
                  keep="model")  # fmt: skip
    for row in document["runs"]:
        drawn.add_row(row["model"], _size(row), f"{row['flop'] / 1e15:,.2f}", _machine(row), row["stack"],
                      f"{row['published_s']:g} s", f"{row['estimated_s']:,.1f} s", f"{row['error']:+.0%}",
                      _percent(row["held_out_error"]))  # fmt: skip
    console.print(drawn)
    _draw_fitted(console, document)
    for name, words in (("one_device", "on one GPU"), ("all", "in all")):
        found = document[name]
        console.print(
            f"{found['runs']} runs {words}: error {found['median_error']:.1%} in the median, "
            f"{found['mean_error']:.1%} in the mean; held out {_percent(found['held_out_median_error'])} and "
            f"{_percent(found['held_out_mean_error'])}; worst {_worst(found['worst'])}",
            soft_wrap=True,
        )


def _draw_fitted(console: Console, document: dict[str, Any]) -> None:
    drawn = table("machine", "utilisation or scaling of", "fitted", "used", "runs", keep="machine")
    for each in (*document["utilisation"], *document["scaling"]):
        drawn.add_row(each["machine"], each["what"], f"{each['fitted']:.3f}", f"{each['listed']:g}", str(each["runs"]))
    console.print()
    console.print(drawn)
    drawn = table("memory of", "published", "estimated", "error", keep="memory of")
    for each in document["memory"]:
        sides = (f"{each['published_bytes'] / GIB:.1f} GiB", f"{each['estimated_bytes'] / GIB:.1f} GiB")
        drawn.add_row(each["model"], *sides, f"{each['error']:+.0%}")
    console.print()
    console.print(drawn)
    console.print()


def _size(row: dict[str, Any]) -> str:
    return f"{row['width']}x{row['height']}x{row['frames']}, {row['steps']}"


def _machine(row: dict[str, Any]) -> str:
    return row["machine"] if row["devices"] == 1 else f"{row['devices']} x {row['machine']}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:+.0%}" if share < 0 else f"{share:.0%}"


def _worst(row: dict[str, Any]) -> str:
    return f"{row['model']} {_size(row)} steps on {_machine(row)}, {row['error']:+.0%} ({row['source']})"
