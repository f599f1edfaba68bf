"""The command line of the benchmarks: run them all, print one table. It fails only if an answer was wrong."""

import argparse
import json
import sys
from pathlib import Path

from benchmarks import report
from benchmarks.books import books
from benchmarks.comparison import Plan, compare
from benchmarks.deciding import decide_ms
from benchmarks.folding import fold_s
from benchmarks.ledger import speeds
from benchmarks.measuring import measure_ms
from benchmarks.streaming import delays

LEDGER_S = 2.0
POSTINGS, QUICK_POSTINGS = 1_000_000, 100_000
DECISIONS = 3
"""Times that the time of a decision is taken, each a median of many; and that a year of boards is folded."""


def main() -> int:
    words = _words()
    plan = Plan(words.rounds or (1 if words.quick else 3), words.seconds or (1 if words.quick else 5), words.profile)
    ledger_s = LEDGER_S / 4 if words.quick else LEDGER_S
    decided = tuple(decide_ms() for _ in range(DECISIONS))
    folded = tuple(fold_s() for _ in range(1 if words.quick else DECISIONS))
    postings = words.postings or (QUICK_POSTINGS if words.quick else POSTINGS)
    compared, streamed = compare(plan), delays(plan.rounds)
    made = report.report(compared, decided, folded, streamed, speeds(ledger_s), measure_ms(), books(ledger_s, postings))
    print(report.as_text(made))
    if words.json:
        words.json.write_text(json.dumps(report.as_document(made), indent=1) + "\n")
    return _verdict(made)


def _verdict(made: report.Report) -> int:
    """Speed of anything but the real thing is worth nothing: not 0 if the books are wrong or a job is missing."""
    books = made.comparison.books
    return 0 if books.ok and books.settled == made.comparison.answered and not books.open_holds else 1


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Podium beside a bare pass-through.")
    parser.add_argument("--quick", action="store_true", help="one short round: about 20 s, and only a rough picture")
    parser.add_argument("--rounds", type=int, help="rounds (3), each with both targets at 1, 16 and 64 connections")
    parser.add_argument("--seconds", type=float, help="of each measurement in a round (5)")
    parser.add_argument(
        "--postings", type=int, help="the most of which usage is reported (1000000); 10000000 takes long"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure of every round there")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="profile the gateway's event loop (for pstats)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
