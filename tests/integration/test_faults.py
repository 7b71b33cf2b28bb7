"""Real processes are killed, frozen and restarted under mixed flows: the short form of
`python -m benchmarks.faults`, on servers of its own."""

import os
import subprocess
import sys

from tests.servers import PROJECT


def test_nothing_is_lost_and_nothing_done_twice() -> None:
    """Design §5: the end that each execution would have come to, effects at most once, no
    terminal status ever changed, steps without holes."""
    command = [sys.executable, "-m", "benchmarks.faults", "--executions", "36", "--kills", "10"]
    done = subprocess.run(
        [*command, "--pause", "0.3", "--patience", "200"],
        cwd=PROJECT,
        env={**os.environ},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
