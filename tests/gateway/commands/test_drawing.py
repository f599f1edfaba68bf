"""What a decision looks like at a terminal."""

from io import StringIO

from rich.console import Console

from gateway.commands import drawing

OURS = "ours, but 3 before it: 54 s, over the 32 s that are waited for"


def row(offer, **more):
    return {"offer": offer, "score": 0.9, "quote_usd": "0.01", "eta_s": {"p50": 2.0}, "parts": {"cost": 0.9}} | more


def test_what_is_said_of_an_engine_or_of_one_left_alone_stands_with_its_offer():
    written = StringIO()
    decision = {"ranked": [row("fal/a/b"), row("comfyui/a/b", said=OURS)]}
    Console(file=written, width=160).print(drawing.ranked(decision))
    lines = [line.strip() for line in written.getvalue().splitlines()]
    assert OURS in lines and lines.index(OURS) > next(n for n, line in enumerate(lines) if "comfyui/a/b" in line)
    assert written.getvalue().count("ours") == 1
