"""The list of commands. What each does is in gateway/commands/, imported when it runs, so that --help is quick."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.names_app import names_app
from gateway.commands.prices_app import prices_app
from gateway.commands.terminal import OneLine

app = typer.Typer(
    name="podium",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="One door to many image, video, speech and text models: chosen by quality, cost and latency, and paid for.",
)
keys_app = typer.Typer(no_args_is_help=True, help="Make, list and revoke keys.")
ledger_app = typer.Typer(no_args_is_help=True, help="The books.")
app.add_typer(keys_app, name="keys")
app.add_typer(ledger_app, name="ledger")
app.add_typer(names_app, name="names")
app.add_typer(prices_app, name="prices")

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, and nothing else.")]
Pages = Annotated[bool, typer.Option("--dashboard/--no-dashboard", help="The pages for people too, or not.")]
OfTask = Annotated[str | None, typer.Option("--task", metavar="TASK", help="Only those that do this.")]
Prompt = Annotated[str, typer.Argument(help="What to make, in words.")]
TheTask = Annotated[str, typer.Option("--task", metavar="TASK", help="text-to-image, image-to-video, text, …")]
Model = Annotated[str, typer.Option("--model", help="auto, auto:POLICY, a model, an alias, or one offer.")]
Policy = Annotated[str | None, typer.Option("--policy", help="best, cheapest, fastest, balanced or local-first.")]
MaxCost = Annotated[str | None, typer.Option("--max-cost-usd", metavar="USD", help="Reject offers that cost more.")]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="[ROLE=]FILE", help="A file, a link or an asset; again for more. Roles: source, "
                 "mask, first_frame, last_frame, reference, style, character, audio."),
]  # fmt: skip
Duration = Annotated[float | None, typer.Option("--duration", metavar="SECONDS", help="Length of a clip.")]
Width = Annotated[int | None, typer.Option("--width", metavar="PIXELS")]
Height = Annotated[int | None, typer.Option("--height", metavar="PIXELS")]
Ratio = Annotated[str | None, typer.Option("--aspect-ratio", metavar="W:H", help="In place of width and height.")]
Resolution = Annotated[str | None, typer.Option("--resolution", metavar="TIER", help="720p, 1080p, 1k, 4k, …")]
Seed = Annotated[int | None, typer.Option("--seed", help="The same seed gives the same output, where a model can.")]
Count = Annotated[int | None, typer.Option("--count", help="How many.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="File or folder; else a new file in out/.")]


@app.command()
def up(with_dashboard: Pages = True, as_json: Json = False) -> None:
    """Migrate, serve, work, and show the dashboard, until Ctrl-C; tells the first admin key, once."""
    with OneLine():
        from gateway.commands import serving

        serving.up(as_json, with_dashboard)


@app.command()
def serve(as_json: Json = False) -> None:
    """The API alone; a worker must run beside it."""
    with OneLine():
        from gateway.commands import serving

        serving.serve(as_json)


@app.command()
def work() -> None:
    """A worker alone, until Ctrl-C."""
    with OneLine():
        from gateway.commands import serving

        serving.work()


@app.command()
def dashboard() -> None:
    """The pages for people at PODIUM_DASHBOARD_PORT (8701), in front of a running gateway, until Ctrl-C."""
    with OneLine():
        from gateway.commands import dashboard as pages

        pages.dashboard()


@app.command()
def migrate(as_json: Json = False) -> None:
    """Bring the database to the schema of this version."""
    with OneLine():
        from gateway.commands import serving

        serving.migrate(as_json)


@app.command()
def demo(as_json: Json = False) -> None:
    """A gateway of its own, one image, one clip and one text through auto, with reasons and receipts; costs nothing."""
    with OneLine():
        from gateway import demo as performance

        performance.perform(as_json)


@app.command()
def generate(
    prompt: Prompt, task: TheTask, model: Model = "auto", policy: Policy = None, max_cost_usd: MaxCost = None,
    output: Output = None, inputs: Inputs = None, duration: Duration = None, width: Width = None,
    height: Height = None, aspect_ratio: Ratio = None, resolution: Resolution = None, seed: Seed = None,
    count: Count = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Make something with a running gateway (PODIUM_URL, PODIUM_KEY), and bring it home."""
    with OneLine():
        from gateway.commands import jobs
        from gateway.commands.requests import Wanted

        wanted = Wanted(prompt, task, model, policy, max_cost_usd, tuple(inputs or ()), duration, width, height,
                        aspect_ratio, resolution, seed, count)  # fmt: skip
        jobs.generate(wanted, output, as_json)


@app.command()
def route(
    prompt: Prompt, task: TheTask, model: Model = "auto", policy: Policy = None, max_cost_usd: MaxCost = None,
    inputs: Inputs = None, duration: Duration = None, width: Width = None, height: Height = None,
    aspect_ratio: Ratio = None, resolution: Resolution = None, seed: Seed = None, count: Count = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """The choice that generate would make and why, from a running gateway; spends nothing."""
    with OneLine():
        from gateway.commands import jobs
        from gateway.commands.requests import Wanted

        wanted = Wanted(prompt, task, model, policy, max_cost_usd, tuple(inputs or ()), duration, width, height,
                        aspect_ratio, resolution, seed, count)  # fmt: skip
        jobs.route(wanted, as_json)


@app.command()
def models(
    task: OfTask = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that cannot be used here.")] = False,
    as_json: Json = False,
) -> None:
    """The models that can be had here."""
    with OneLine():
        from gateway.commands import catalog

        catalog.models(task, everything, as_json)


@app.command()
def offers(task: OfTask = None, as_json: Json = False) -> None:
    """Every offer of every provider, with its price and whether it can be used here."""
    with OneLine():
        from gateway.commands import catalog

        catalog.offers(task, as_json)


@app.command()
def changes(
    since: Annotated[str | None, typer.Option("--since", metavar="D", help="A day, or 7d for seven days.")] = None,
    as_json: Json = False,
) -> None:
    """What appeared, changed its price, was deprecated, retired or came back; newest first."""
    with OneLine():
        from gateway.commands import changes as feed

        feed.changes(since, as_json)


@app.command()
def listings(
    provider: Annotated[str, typer.Argument(help="A provider's name, such as fal.")], as_json: Json = False
) -> None:
    """A provider's own list of its models, asked for with its key."""
    with OneLine():
        from gateway.commands import listings as lists

        lists.list_models(provider, as_json)


@app.command()
def loras(as_json: Json = False) -> None:
    """LoRAs that have names here: what each is for, and which offers can take it."""
    with OneLine():
        from gateway.commands import loras as styles

        styles.loras(as_json)


@app.command()
def discover(
    hosts: Annotated[
        list[str] | None, typer.Option("--host", metavar="HOST", help="A host, or host:port; again for more.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--write", metavar="DIR", help="Write the proposed cards there, over none.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look for engines on this machine or on named hosts, and propose cards for them; enables nothing."""
    with OneLine():
        from gateway.commands import discover as discovery

        discovery.discover(tuple(hosts or ()), folder, as_json)


@app.command()
def refresh(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="boards, prices, notices or listings.")],
    source: Annotated[str | None, typer.Option("--source", help="One source only, such as arena.")] = None,
    place: Annotated[
        Path | None, typer.Option("--from", metavar="FILE_OR_DIR", help="Read files in the sources' own formats.")
    ] = None,
    taken_at: Annotated[
        str | None, typer.Option("--taken-at", metavar="DATE", help="For files that say no date themselves.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read boards, prices, notices or listings now; what is not believed is said, and what was good stays."""
    with OneLine():
        from gateway.commands import refresh as refreshing

        refreshing.refresh(kind, source, place, taken_at, as_json)


@app.command()
def churn(
    board: Annotated[
        str | None, typer.Option("--board", help="Such as lmarena/text-to-image; else the best read.")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, max=100, help="Places that are followed.")] = 5,
    task: OfTask = None,
    as_json: Json = False,
) -> None:
    """How long places at the top of a board last: survival, half-life, arrivals and departures."""
    with OneLine():
        from gateway.commands import churn as places

        places.churn(board, top, task, as_json)


@app.command()
def replay(
    place: Annotated[Path, typer.Argument(metavar="DIR_OR_CSV", help="Dated readings of boards.")],
    board: Annotated[
        str | None, typer.Option("--board", help="Such as lmarena/text-to-image; else the best read.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What choosing by these readings would have lost: never again, late, by yesterday's, and as Podium does."""
    with OneLine():
        from gateway.commands import replay as replaying

        replaying.replay(place, board, as_json)


@app.command()
def estimate(
    model: Annotated[str | None, typer.Argument(metavar="MODEL", help="A model's id, or an architecture.")] = None,
    machine: Annotated[str | None, typer.Option("--on", metavar="MACHINE", help="Such as h100.")] = None,
    count: Annotated[int | None, typer.Option("--count", "--devices", help="Accelerators on each output.")] = None,
    width: Width = None, height: Height = None, duration: Duration = None,
    frames: Annotated[int | None, typer.Option("--frames", help="In place of a duration.")] = None,
    fps: Annotated[float | None, typer.Option("--fps")] = None,
    steps: Annotated[int | None, typer.Option("--steps")] = None,
    forwards: Annotated[int | None, typer.Option("--forwards", help="Passes through the model at each step.")] = None,
    precision: Annotated[str | None, typer.Option("--precision", help="bf16, fp8, …")] = None,
    stack: Annotated[str | None, typer.Option("--stack", help="The software: optimised, eager, …")] = None,
    utilisation: Annotated[float | None, typer.Option("--utilisation", help="Share of the peak, up to 1.")] = None,
    busy: Annotated[float | None, typer.Option("--busy", help="Share of the paid time that is worked.")] = None,
    usd_per_hour: Annotated[str | None, typer.Option("--usd-per-hour", help="Rent of one accelerator.")] = None,
    purchase_usd: Annotated[str | None, typer.Option("--purchase-usd", help="Of one, in place of a rent.")] = None,
    months: Annotated[int | None, typer.Option("--months", help="To spread a purchase over.")] = None,
    power_w: Annotated[float | None, typer.Option("--power-w", help="Of one that was bought, at work.")] = None,
    usd_per_kwh: Annotated[str | None, typer.Option("--usd-per-kwh")] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="OFFER", help="Rent or host: an offer, or auto.")
    ] = None,
    assumptions: Annotated[
        Path | None, typer.Option("--assumptions", metavar="FILE", help="More models and machines, in YAML.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Estimates beside published runs.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Seconds and dollars of self-hosting; without a model, what can be estimated."""
    with OneLine():
        from gateway.commands import estimate as estimates

        if check or model is None:
            (estimates.check if check else estimates.known)(assumptions, as_json)
            return
        wanted = {
            "model": model, "on": machine, "count": count, "width": width, "height": height, "duration_s": duration,
            "frames": frames, "fps": fps, "steps": steps, "forwards": forwards, "precision": precision,
            "stack": stack, "utilisation": utilisation, "busy": busy, "usd_per_hour": usd_per_hour,
            "purchase_usd": purchase_usd, "months": months, "power_w": power_w, "usd_per_kwh": usd_per_kwh,
            "against": against,
        }  # fmt: skip
        estimates.estimate(wanted, assumptions, as_json)


@keys_app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="For people, to tell keys apart.")],
    role: Annotated[str, typer.Option("--role", help="caller or admin.")] = "caller",
    as_json: Json = False,
) -> None:
    """A new key; its secret is shown this once."""
    with OneLine():
        from gateway.commands import keys

        keys.create(name, role, as_json)


@keys_app.command("list")
def list_keys(as_json: Json = False) -> None:
    """Keys, newest first, revoked ones too."""
    with OneLine():
        from gateway.commands import keys

        keys.list_all(as_json)


@keys_app.command("revoke")
def revoke_key(key: Annotated[str, typer.Argument(help="The key's id, key_….")], as_json: Json = False) -> None:
    """Stop a key within seconds; its money and its past stay."""
    with OneLine():
        from gateway.commands import keys

        keys.revoke(key, as_json)


@app.command()
def fund(
    key: Annotated[str, typer.Argument(help="The key's id, key_….")],
    usd: Annotated[str, typer.Argument(help="US dollars, such as 5 or 0.25.")],
    reference: Annotated[str | None, typer.Option("--reference", help="Repeating it books no second payment.")] = None,
    as_json: Json = False,
) -> None:
    """Put money on a key."""
    with OneLine():
        from gateway.commands import ledger

        ledger.fund(key, usd, reference, as_json)


@ledger_app.command("verify")
def verify_ledger(as_json: Json = False) -> None:
    """Recompute every balance from its postings; exit code 1 when something is wrong."""
    with OneLine():
        from gateway.commands import ledger

        ledger.verify(as_json)


FirstDay = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, in UTC; else all.")]
LastDay = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, included.")]


@ledger_app.command("export")
def export_ledger(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where to.")],
    kind: Annotated[str, typer.Option("--format", help="csv, parquet (postings) or focus (usage by day).")] = "csv",
    first: FirstDay = None, last: LastDay = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Write postings, or usage in the columns of FOCUS, into a file, page by page."""
    with OneLine():
        from gateway.commands import ledger

        ledger.export(kind, first, last, output, as_json)


@ledger_app.command("reconcile")
def reconcile_ledger(
    file: Annotated[Path, typer.Argument(help="The invoice or usage export: CSV, JSON or JSON lines.")],
    provider: Annotated[str, typer.Option("--provider", metavar="NAME", help="Whose it is, such as fal.")],
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="PART=HEADER", help="A column that is not known by its name: ref, at, model, "
                     "usd, quantity or unit; again for more."),
    ] = None,
    first: FirstDay = None, last: LastDay = None,
    post: Annotated[bool, typer.Option("--post", help="Post what corrects the differences, each once.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """A provider's invoice beside what we owe it, attempt by attempt; every difference with its class."""
    with OneLine():
        from gateway.commands import ledger

        ledger.reconcile(provider, file, columns or (), first, last, post, as_json)


if __name__ == "__main__":
    app()
