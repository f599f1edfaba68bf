"""The pictures of the documentation: those that the tests took, made small. It opens no browser and takes none itself.

make test && python -m tests.browser.screens
"""

import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
TAKEN, KEPT = ROOT / "out" / "screens", ROOT / "docs" / "screens"
SHOWN = {
    "overview": "overview", "frontier": "frontier", "decision": "decisions", "leaderboards": "leaderboards",
    "churn": "churn", "playground": "playground-run", "arena": "arena-battle", "workflow": "workflow", "money": "money",
}  # fmt: skip
"""A picture of the documentation → the page that the tests shot, in its light form."""
COLOURS = 256
PLAIN_COLOURS = 12_000
"""Charts and words have fewer, and keep their commonest as they are, swatches of a legend too; more are a picture's."""
TALLEST_PX = 2_050
"""What is below is more of the same, and takes room."""
MOST_BYTES = 2_000_000
"""All together: a clone carries every picture that ever was."""


def keep(name: str, taken: Path) -> int:
    """Make one small; how many bytes it has then."""
    with Image.open(taken) as picture:
        whole = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, TALLEST_PX)))
    kept = KEPT / f"{name}.png"
    few(whole).save(kept, optimize=True)
    return kept.stat().st_size


def few(whole: Image.Image) -> Image.Image:
    """In 256 colours."""
    counted = whole.getcolors(PLAIN_COLOURS)
    if counted is None:
        return whole.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in sorted(counted, reverse=True)[:COLOURS] for part in colour])
    return whole.quantize(palette=palette, dither=Image.Dither.NONE)


def main() -> int:
    taken = {name: TAKEN / f"{page}-light.png" for name, page in SHOWN.items()}
    if missing := [path.name for path in taken.values() if not path.exists()]:
        sys.stderr.write(f"not taken yet: {', '.join(missing)}; the tests in tests/browser take them\n")
        return 1
    KEPT.mkdir(parents=True, exist_ok=True)
    sizes = {name: keep(name, path) for name, path in taken.items()}
    sys.stdout.writelines(f"{name}: {size / 1e3:.0f} kB\n" for name, size in sizes.items())
    if sum(sizes.values()) > MOST_BYTES:
        sys.stderr.write(f"{sum(sizes.values())} bytes together are more than {MOST_BYTES}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
