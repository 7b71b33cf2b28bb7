"""Processes that start due schedules and are killed at random moments.

    python -m tests.schedule_starters SECONDS SEED

Prints how many were killed. It runs beside a test, on its database.
"""

import os
import random
import signal
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cortexweb.settings")
django.setup()

from executions.schedules import due  # noqa: E402


def start_again_and_again() -> None:
    """Start what is due until killed."""
    due.SCHEDULE_BATCH = 5  # several transactions a round
    while True:
        due.start_due()


def fork() -> int:
    child = os.fork()
    if not child:
        start_again_and_again()
    return child


def main(seconds: float, seed: int) -> None:
    dice, began, killed = random.Random(seed), time.monotonic(), 0
    children = [fork() for _ in range(3)]
    while time.monotonic() - began < seconds:
        time.sleep(dice.uniform(0.02, 0.6))
        place = dice.randrange(len(children))
        os.kill(children[place], signal.SIGKILL)
        os.waitpid(children[place], 0)
        children[place] = fork()
        killed += 1
    for child in children:
        os.kill(child, signal.SIGKILL)
    print(killed)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
