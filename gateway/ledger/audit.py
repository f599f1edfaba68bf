"""Check the books: recompute every balance and every open hold from the postings, in the database. It mends nothing.

The check is one statement, so that it sees one moment of a ledger that others go on writing to. It is SQL as text
because it only sums and compares, and says so more plainly than constructs would.
"""

from functools import cache
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.ledger.rules import MAY_GO_NEGATIVE, usd

FINDINGS = 100
"""Of each kind at most: the first hundred say what is wrong, and a million would only hide it."""


class Report(NamedTuple):
    """What a check found; `ok` when nothing is wrong. An open hold is a job that was held and has no settlement."""

    ok: bool
    entries: int
    accounts: int
    open_holds: int
    findings: tuple[str, ...]


def verify(connection: Connection) -> Report:
    rows = connection.execute(_query(connection.dialect.name)).all()
    counts = {row.subject: int(row.found) for row in rows if row.kind == "count"}
    findings = tuple(
        _SENTENCES[row.kind].format(
            subject=row.subject, found=f"{usd(int(row.found))} USD", expected=f"{usd(int(row.expected))} USD"
        )
        for row in rows
        if row.kind != "count"
    )
    return Report(not findings, counts["entries"], counts["accounts"], counts["open_holds"], findings)


_PARTS = """
WITH move AS (
    SELECT entry_id, destination AS account, nanos FROM posting
    UNION ALL SELECT entry_id, source, -nanos FROM posting
), posted AS (
    SELECT account, SUM(nanos) AS nanos FROM move GROUP BY account
), named AS (
    SELECT id, substr(key, {find}(key, ':') + 1) AS rest FROM entry WHERE reason IN ('hold', 'rehold', 'settle')
), about AS (
    SELECT id, CASE WHEN {find}(rest, ':') > 0 THEN substr(rest, 1, {find}(rest, ':') - 1) ELSE rest END AS job
    FROM named
), held AS (
    SELECT job, account, SUM(nanos) AS nanos, EXISTS (SELECT 1 FROM entry WHERE key = 'settle:' || job) AS settled
    FROM about JOIN move ON move.entry_id = about.id WHERE account LIKE 'key:%:held' GROUP BY job, account
), compared_posted AS (
    SELECT account, nanos AS expected, 0 AS found FROM posted UNION ALL SELECT name, 0, nanos FROM account
), compared_held AS (
    SELECT account, nanos AS expected, 0 AS found FROM held WHERE NOT settled
    UNION ALL SELECT name, 0, nanos FROM account WHERE name LIKE 'key:%:held'
)
"""

_COUNTS = """
SELECT 'count' AS kind, 'entries' AS subject, COUNT(*) AS found, 0 AS expected FROM entry
UNION ALL SELECT 'count', 'accounts', COUNT(*), 0 FROM account
UNION ALL SELECT 'count', 'open_holds', COUNT(*), 0 FROM entry
    WHERE reason = 'hold' AND NOT EXISTS (SELECT 1 FROM entry s WHERE s.key = 'settle:' || substr(entry.key, 6))
"""

_FINDINGS = {
    "drifted": """account AS subject, SUM(found) AS found, SUM(expected) AS expected
        FROM compared_posted GROUP BY account HAVING SUM(found) <> SUM(expected)""",
    "unmatched": """account AS subject, SUM(found) AS found, SUM(expected) AS expected
        FROM compared_held GROUP BY account HAVING SUM(found) <> SUM(expected)""",
    "unreleased": "job AS subject, nanos AS found, 0 AS expected FROM held WHERE settled AND nanos <> 0",
    "overreleased": "job AS subject, nanos AS found, 0 AS expected FROM held WHERE NOT settled AND nanos < 0",
    "overdrawn": """name AS subject, nanos AS found, 0 AS expected
        FROM account WHERE nanos < 0 AND name NOT IN ({free})""",
    "unbalanced": """'world' AS subject, total AS found, 0 AS expected
        FROM (SELECT SUM(nanos) AS total FROM account) AS everything WHERE total <> 0""",
    "lost": """CAST(id AS VARCHAR) AS subject, nanos AS found, 0 AS expected
        FROM posting WHERE NOT EXISTS (SELECT 1 FROM entry WHERE entry.id = posting.entry_id)""",
    "crooked": """CAST(id AS VARCHAR) AS subject, nanos AS found, 0 AS expected
        FROM posting WHERE nanos <= 0 OR source = destination""",
}

_SENTENCES = {
    "drifted": "account {subject} shows {found} but its postings add up to {expected}",
    "unmatched": "account {subject} shows {found} but the open holds on it are {expected}",
    "unreleased": "{subject} is settled but {found} of its hold remain",
    "overreleased": "{subject} holds {found}",
    "overdrawn": "account {subject} is overdrawn: {found}",
    "unbalanced": "all accounts together hold {found} instead of nothing",
    "lost": "posting {subject} of {found} belongs to no entry",
    "crooked": "posting {subject} of {found} moves nothing, or from an account to itself",
}


@cache
def _query(dialect_name: str) -> sa.TextClause:
    find = {"sqlite": "instr", "postgresql": "strpos"}[dialect_name]
    free = ", ".join(f"'{name}'" for name in sorted(MAY_GO_NEGATIVE))
    limited = [
        f"UNION ALL SELECT * FROM (SELECT '{kind}' AS kind, {rest.format(free=free)} LIMIT {FINDINGS}) AS {kind}"
        for kind, rest in _FINDINGS.items()
    ]
    text = "\n".join([_PARTS.format(find=find), _COUNTS, *limited])
    return sa.text(text.replace(":", "\\:"))  # a colon would name a parameter, and account names have some
