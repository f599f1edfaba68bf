"""What the server hands to its render process: small, picklable, and free of every imaging library."""

import contextlib
import multiprocessing
import os
import threading
from pathlib import Path
from typing import Any, NamedTuple

NICENESS = 5
"""Rendering yields to whatever answers HTTP on the same cores."""


class Errand(NamedTuple):
    """One rendering: its input in a file, and the stem of the files to write beside it."""

    endpoint: str
    input_path: str
    stem: str
    seed: int

    def tell(self, fraction: float) -> None:
        """Leave the done part (0..1) where the server looks for it; a lost one does no harm."""
        with contextlib.suppress(OSError):
            Path(f"{self.stem}.progress").write_text(f"{fraction:.3f}")


class Unusable(Exception):
    """An input that is well formed but cannot be rendered; becomes a 422 in fal's words."""

    def __init__(self, kind: str, message: str, field: str) -> None:
        super().__init__(kind, message, field)
        self.kind, self.message, self.field = kind, message, field


def run(errand: Errand) -> dict[str, Any]:
    """Render in this process. The imaging libraries are imported here and not above: the server must stay small."""
    from gateway.sandbox.rendering import render

    return render(errand)


def begin() -> None:
    """Called once in each render process: leave when the server does, even if it was killed."""
    os.nice(NICENESS)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
