"""Whether the rollups are the ledger: what they say is owed, kept, overrun and spent, beside the postings.

One statement, together with the ledger's own check in one read; it mends nothing.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.ledger import audit
from gateway.ledger.audit import FINDINGS, Report
from gateway.ledger.rules import MARGIN, OVERRUN, usd

_QUERY = f"""
WITH rolled AS (
    SELECT 'provider:' || provider || ':payable' AS account, SUM(cost_nanos) AS nanos FROM usage_day GROUP BY provider
    UNION ALL SELECT '{MARGIN}', COALESCE(SUM(margin_nanos), 0) FROM usage_day
    UNION ALL SELECT '{OVERRUN}', -COALESCE(SUM(over_nanos), 0) FROM usage_day
    UNION ALL SELECT 'key:' || key_id || ':held', SUM(cost_nanos + margin_nanos - over_nanos) FROM usage_day
        WHERE key_id <> '' GROUP BY key_id
), booked AS (
    SELECT name AS account, nanos FROM account
        WHERE name LIKE 'provider:%:payable' OR name IN ('{MARGIN}', '{OVERRUN}')
    UNION ALL SELECT source, SUM(nanos) FROM posting
        WHERE source LIKE 'key:%:held' AND destination NOT LIKE 'key:%' GROUP BY source
)
SELECT account, SUM(found) AS found, SUM(expected) AS expected FROM (
    SELECT account, nanos AS found, 0 AS expected FROM rolled UNION ALL SELECT account, 0, nanos FROM booked
) AS compared GROUP BY account HAVING SUM(found) <> SUM(expected) LIMIT {FINDINGS}
"""
_STATEMENT = sa.text(_QUERY.replace(":", "\\:"))


def findings(connection: Connection) -> tuple[str, ...]:
    """A sentence for each account of which the rollups tell another sum than the ledger."""
    return tuple(
        f"usage adds up to {usd(int(row.found))} USD on {row.account} but the ledger to {usd(int(row.expected))} USD"
        for row in connection.execute(_STATEMENT)
    )


def verify(connection: Connection) -> Report:
    """The ledger's own check, and this one."""
    report = audit.verify(connection)
    found = (*report.findings, *findings(connection))
    return report._replace(ok=not found, findings=found)
