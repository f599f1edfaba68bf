"""What a settled job adds to the rollups, and what a compute unit is. Pure; it knows no database and no price.

Amounts are integers, so that sums are exact: nano-dollars, millionths of a unit, thousandths of a compute unit.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from adapters.schema import Modality, Task, Usage

EPOCH = date(1970, 1, 1)
MICRO, MILLI, NANO = Decimal(10**6), Decimal(10**3), Decimal(10**9)
LARGEST = 10**18
"""Of one amount of one job: a count beyond it is a provider's mistake, and sums must stay within 64 bits."""

OTHER = "other"
"""The unit of what has none: a refusal that was billed, a job that brought nothing, a correction."""

TOKENS_EACH = Decimal(200)
"""Tokens written that make one compute unit."""
PER_MEGAPIXEL = Decimal(100)
"""Compute units of a megapixel of picture, still or one of a clip's."""
PICTURES_PER_S = Decimal(24)
"""Pictures a second that a clip counts, whatever its own rate: how smooth it is, is not how long it is."""
PER_AUDIO_S = Decimal(10)
"""Compute units of a second of sound."""
CHARACTERS_PER_TOKEN = Decimal(4)
"""Where a provider counts no tokens, its words are counted so."""

_MAIN = {
    Modality.IMAGE: ("output_image", "output_megapixel"),
    Modality.VIDEO: ("output_video_second", "output_video_frame", "output_video"),
    Modality.AUDIO: ("output_audio_second", "character"),
    Modality.TEXT: ("output_token",),
}
"""By what a bill without lines is counted: the first of these that its usage knows."""


class Line(NamedTuple):
    """One unit of a bill: how much of it, in millionths, and what it cost."""

    unit: str
    micros: int
    nanos: int


class Tally(NamedTuple):
    """What a finished attempt made, ready for the rollups: reckoned before its transaction begins."""

    lines: tuple[Line, ...]
    compute_millis: int = 0
    video_ms: int = 0
    outputs: int = 0


NOTHING = Tally((Line(OTHER, 0, 0),))
"""Of a job that brought nothing."""


class Settled(NamedTuple):
    """A job's settlement: when, whose, what for, at which offer it ended and what it made there.

    `billed` are (offer, nano-dollars) of its other attempts, of which some were billed all the same.
    """

    day: int
    key_id: str
    project: str
    task: str
    offer: str
    made: Tally = NOTHING
    billed: Sequence[tuple[str, int]] = ()
    succeeded: bool = False


class Row(NamedTuple):
    """An addition to one row of the rollups. `bills`: how many jobs' bills have the unit; `jobs`: how many settled.

    What belongs to a whole job (margin, overrun, compute units, …) stands in the row of its bill's first line.
    """

    day: int
    key_id: str
    project: str
    provider: str
    model: str
    task: str
    unit: str
    micros: int = 0
    cost_nanos: int = 0
    margin_nanos: int = 0
    over_nanos: int = 0
    compute_millis: int = 0
    video_ms: int = 0
    outputs: int = 0
    bills: int = 1
    jobs: int = 0
    succeeded: int = 0


def day_of(day: date) -> int:
    """Days since 1970."""
    return (day - EPOCH).days


def date_of(day: int) -> date:
    return date.fromordinal(EPOCH.toordinal() + day)


def compute_units(task: Task, usage: Usage, outputs: Sequence[Mapping[str, Any]]) -> Decimal:
    """One measure for words, pictures, clips and sound, by what was made and not by what it cost.

    An answer of 200 tokens is 1, a picture of a megapixel 100, and a clip as many pictures as 24 a second are: about
    10,000 for five seconds of 720p, ten times that in 4K. `outputs` are as the job shows them: measured, not asked.
    """
    match task.modality:
        case Modality.TEXT:
            made = _tokens(usage, outputs) / TOKENS_EACH
        case Modality.IMAGE:
            made = PER_MEGAPIXEL * sum(map(_megapixels, outputs), Decimal(0))
        case Modality.VIDEO:
            clips = (_megapixels(each) * _seconds(each) for each in outputs)
            made = PER_MEGAPIXEL * PICTURES_PER_S * sum(clips, Decimal(0))
        case Modality.AUDIO:
            made = PER_AUDIO_S * sum(map(_seconds, outputs), Decimal(0))
    return made.quantize(1 / MILLI, ROUND_HALF_UP)


def _tokens(usage: Usage, outputs: Sequence[Mapping[str, Any]]) -> Decimal:
    counted = usage.get("output_token")
    if counted is not None:
        return Decimal(counted)
    return sum((Decimal(len(each.get("text") or "")) for each in outputs), Decimal(0)) / CHARACTERS_PER_TOKEN


def _megapixels(output: Mapping[str, Any]) -> Decimal:
    return Decimal((output.get("width") or 0) * (output.get("height") or 0)) / MICRO


def _seconds(output: Mapping[str, Any]) -> Decimal:
    return Decimal(str(output.get("duration_s") or 0))


def tally(
    task: Task, usage: Usage, lines: Sequence[Mapping[str, str]], nanos: int, outputs: Sequence[Mapping[str, Any]]
) -> Tally:
    """A bill for the rollups. Its lines' nano-dollars add up to its own, the first one taking what rounding leaves."""
    video_s = sum(map(_seconds, outputs), Decimal(0)) if task.modality is Modality.VIDEO else Decimal(0)
    compute = compute_units(task, usage, outputs)
    return Tally(_lines(task, usage, lines, nanos), _whole(compute * MILLI), _whole(video_s * MILLI), len(outputs))


def _lines(task: Task, usage: Usage, lines: Sequence[Mapping[str, str]], nanos: int) -> tuple[Line, ...]:
    if not lines:
        unit = next((unit for unit in _MAIN[task.modality] if usage.get(unit)), OTHER)
        return (Line(unit, _whole(Decimal(usage.get(unit, 0)) * MICRO), nanos),)
    said = [
        Line(line["unit"], _whole(Decimal(line["quantity"]) * MICRO), int(Decimal(line["usd"]) * NANO))
        for line in lines
    ]
    first, rest = said[0], said[1:]
    return (first._replace(nanos=nanos - sum(line.nanos for line in rest)), *rest)


def _whole(amount: Decimal) -> int:
    return min(int(amount.to_integral_value(ROUND_HALF_UP)), LARGEST)


def rows(settled: Settled, margin_nanos: int, over_nanos: int) -> list[Row]:
    """What a settlement adds: a row for each line of its bill, and one for each other attempt that billed.

    `over_nanos` is what of the cost the gateway paid itself.
    """
    made = settled.made
    first, *rest = [_row(settled, settled.offer, line) for line in made.lines]
    whole = first._replace(
        margin_nanos=margin_nanos, over_nanos=over_nanos, compute_millis=made.compute_millis, video_ms=made.video_ms,
        outputs=made.outputs, jobs=1, succeeded=int(settled.succeeded),
    )  # fmt: skip
    billed = [_row(settled, offer, Line(OTHER, 0, nanos)) for offer, nanos in settled.billed if nanos]
    return [whole, *rest, *billed]


def corrected(settled: Settled, nanos: int) -> Row:
    """A provider is owed so much more, or less, than was settled; the gateway pays it or gains it."""
    return _row(settled, settled.offer, Line(OTHER, 0, nanos))._replace(over_nanos=nanos, bills=0)


def _row(settled: Settled, offer: str, line: Line) -> Row:
    provider, _, model = offer.partition("/")
    return Row(
        settled.day, settled.key_id, settled.project, provider, model, settled.task, line.unit,
        micros=line.micros, cost_nanos=line.nanos,
    )  # fmt: skip
