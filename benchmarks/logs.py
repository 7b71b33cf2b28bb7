"""The search of all logs, with many lines: `python -m benchmarks.logs` beside a running `up`.

It fills the database with log lines, and prints how long each kind of search takes.
"""

import argparse
import statistics
import time
from datetime import UTC

import django

FILL = """
    INSERT INTO executions_logentry (execution_id, step, at, block, severity, event_type, details,
        flow_name, initiator_id)
    SELECT e.id, n, now() - make_interval(secs => n * 2.5), 'log',
        (ARRAY['Verbose', 'Debug', 'Information', 'Information', 'Information', 'Information'])
            [1 + n %% 6],
        'Order ' || n || CASE n %% 3 WHEN 0 THEN ' paid' WHEN 1 THEN ' sent' ELSE ' received' END,
        json_build_object('customer', 'c' || n %% 5000, 'amount', n %% 977, 'reference',
            md5(n::text)),
        'flow ' || n %% 1000, 1000 + n %% 200
    FROM generate_series(1, %s) AS n,
        (SELECT id FROM executions_execution LIMIT 1) AS e
"""
SEVERE = """
    UPDATE executions_logentry
    SET severity = CASE WHEN id % 1000 = 0 THEN 'Error' ELSE 'Warning' END
    WHERE id % 100 = 0
"""
SEARCHES = {
    "everything": {},
    "the last hour": {"at": ">-1h"},
    "a day, two weeks ago": {"at": "<=-14d"},
    "a flow": {"flow": "flow 7"},
    "warnings and above": {"severity": "Warning"},
    "errors and above": {"severity": "Error"},
    "a word in a third of the lines": {"q": "paid"},
    "a word in one of 5,000": {"q": "c4711"},
    "a word in one line": {"q": "777777"},
    "a word in none": {"q": "nonesuch"},
    "a common and a rare word": {"q": "paid c4711"},
    "a beginning in a ninth": {"q": "order 7"},
    "a common word in a flow": {"q": "paid", "flow": "flow 7"},
    "a common word in errors": {"q": "paid", "severity": "Error"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    chosen = parser.parse_args()
    django.setup()
    from django.db import connection
    from django.utils import timezone

    from executions.logs import search
    from executions.logs.query import LogQuery

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM executions_logentry")
        if cursor.fetchone()[0] < chosen.lines:
            began = time.monotonic()
            cursor.execute(FILL, [chosen.lines])
            cursor.execute(SEVERE)
            cursor.execute("VACUUM ANALYZE executions_logentry")
            print(f"filled in {time.monotonic() - began:.0f} s")
    for name, asked in SEARCHES.items():
        for whose, initiator in (("all", None), ("own", 1042)):
            took = []
            for _ in range(5):
                began = time.monotonic()
                query = LogQuery.parse(asked, UTC)
                page = search.read_page(query, initiator, timezone.now())
                took.append(1000 * (time.monotonic() - began))
            found = "too slow" if page.is_too_slow else f"{len(page.lines)} lines"
            print(f"{name:32} {whose}  {statistics.median(took):8.1f} ms  {found}")


if __name__ == "__main__":
    main()
