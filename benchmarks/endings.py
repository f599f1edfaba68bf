"""How many ends that were announced are known for what they are: on a day, by notices and boards kept in two folders.

    python -m benchmarks.endings NOTICES BOARDS --on 2026-08-22

Every notice whose end had come and whose label means a model of ours must be retired on its date at its provider, and
nothing that is still served may be. It prints the counts as a table, and exits with 1 if one is wrong.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from pathlib import Path

from gateway.catalog.lives import Lives, fold
from gateway.catalog.matching import matcher, provider_of
from gateway.catalog.sightings import Heard, Looked, Row
from gateway.catalog.supply import Supply, read_supply
from gateway.settings import Settings
from router.feeds import sources
from router.feeds.readings import AnyReading, Notice, NoticeReading, Unreadable
from router.quality import Reading
from router.retirement import Life, Stage

RIGHT, PUT_OFF, WRONG = "1 right", "2 put off", "3 wrong"
"""In the order of how bad they are: of several offers of one notice the worst counts."""


def main() -> int:
    asked = _asked()
    supply = read_supply(Settings())
    readings = [each for folder in (asked.notices, asked.boards) for each in _readings(folder, asked.on)]
    heard = tuple(_heard(each for each in readings if isinstance(each, NoticeReading)))
    looked = [_looked(each) for each in readings if isinstance(each, Reading)]
    lives = fold(supply, looked, heard, {}, asked.on)
    rows = counts(supply, lives, heard, looked, asked.on)
    print("\n".join(["| counted | |", "| --- | ---: |", *(f"| {name} | {count} |" for name, count in rows.items())]))
    return int(any(count for name, count in rows.items() if name.startswith("wrong")))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notices", type=Path)
    parser.add_argument("boards", type=Path)
    parser.add_argument("--on", type=date.fromisoformat, required=True)
    return parser.parse_args()


def _readings(folder: Path, on: date) -> Iterable[AnyReading]:
    now = datetime.combine(on, time(), UTC)
    for path in sorted(folder.rglob("*.json")):
        try:
            page = sources.read_file(str(path), path.read_bytes(), now)
        except Unreadable as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            continue
        yield from (reading for reading in page.readings if reading.taken_at.date() <= on)


def _heard(readings: Iterable[NoticeReading]) -> Iterable[Heard]:
    """Each notice as it was last written."""
    found = {
        (reading.source, row.channel, row.label): Heard(
            reading.source, row, reading.taken_at.date(), reading.taken_at.date(), True
        )
        for reading in sorted(readings, key=lambda each: each.taken_at)
        for row in reading.rows
    }
    return found.values()


def _looked(reading: Reading) -> Looked:
    return Looked(reading.board, reading.taken_at.date(), frozenset(Row("", row.label) for row in reading.rows))


def _found_as(life: Life | None, notice: Notice, on: date) -> str:
    """How an end that was announced for a day up to `on` is known."""
    if life is not None and life.stage is Stage.RETIRED and life.since == notice.ends:
        return RIGHT
    is_put_off = life is not None and life.stage is Stage.DEPRECATED and life.ends is not None and life.ends > on
    return PUT_OFF if is_put_off else WRONG


def counts(supply: Supply, lives: Lives, heard: Iterable[Heard], looked: Iterable[Looked], on: date) -> dict[str, int]:
    match = matcher(supply.catalog.offers(), supply.names)
    all_lives = {**lives.offers, **{name: life for there in lives.elsewhere.values() for name, life in there.items()}}
    ended = [each.notice for each in heard if each.notice.ends and each.notice.ends <= on]
    ours = [notice for notice in ended if match.model(notice.label)]
    found_as = Counter[str]()
    for notice in ours:
        offers = match.offers(notice.channel, notice.label)
        subjects = offers or {f"{notice.label}@{provider_of(notice.channel)}"}
        found_as.update({max(_found_as(all_lives.get(subject), notice, on) for subject in subjects)})
    newest = max((each.day for each in looked), default=on)
    shown = {row.label for each in looked if each.day == newest for row in each.rows}
    served = {offer.model for offer in supply.catalog.offers()}
    on_boards = {model for label in shown if (model := match.model(label))} & served
    return {
        "notices read": len({(each.source, each.notice.channel, each.notice.label) for each in heard}),
        f"of them with an end up to {on}": len(ended),
        "of those whose label means a model of ours": len(ours),
        "retired, on the announced day, at the provider that announced it": found_as[RIGHT],
        "put off: our card was checked later, and says a later end": found_as[PUT_OFF],
        "wrong: neither": found_as[WRONG],
        "offers of the catalog, all served after that day": len(lives.offers),
        "wrong: of them retired": sum(life.stage is Stage.RETIRED for life in lives.offers.values()),
        f"served models on the boards of {newest}": len(on_boards),
        "wrong: of them retired, stale or announced": sum(
            lives.models[model].stage in (Stage.RETIRED, Stage.STALE, Stage.ANNOUNCED) for model in on_boards
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
