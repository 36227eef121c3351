"""What a cold start of the service costs beside the least that any program on PynamoDB pays.

Each row is the median of several processes of their own: seconds of processor time, which other
programs on the machine disturb least, of imports and of making the client, and the most memory
that the process held.
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

PROCESSES = 15
LIMIT = 1.2
"""How many times what PynamoDB costs the service may cost."""

MEASURED = """
import time
began = time.process_time()
{program}
seconds = time.process_time() - began
import resource
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
PROGRAMS = {
    "PynamoDB and its client": """
from pynamodb.connection.base import Connection
from pynamodb.models import Model
Connection(region="us-east-1", host="http://127.0.0.1:9").client
""",
    "the service's handler, warmed": """
from payments import lambda_handler
""",
}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "CURSOR_SIGNING_KEY": "a benchmark's own",
    "DYNAMODB_ENDPOINT_URL": "http://127.0.0.1:9",
    "PYTHONDONTWRITEBYTECODE": "",
}
"""Compiled, as in the package that is deployed."""


def main() -> int:
    """Print the table; the exit code is 1 where the service costs more than it may."""
    costs = measure(PROCESSES)
    table = Table("", "seconds", "times", "MB", "times", title="Cold start")
    least, *_ = costs.values()
    ratios: list[float] = []
    for name, cost in costs.items():
        times = [mine / theirs for mine, theirs in zip(cost, least, strict=True)]
        ratios += times
        table.add_row(
            name, f"{cost[0]:.3f}", f"{times[0]:.2f}", f"{cost[1]:.0f}", f"{times[1]:.2f}"
        )
    Console().print(table)
    return int(max(ratios) > LIMIT)


def measure(processes: int) -> dict[str, tuple[float, float]]:
    """Median seconds and MB by program; the programs take turns, so that noise meets all alike."""
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in PROGRAMS}
    for _ in range(processes):
        for name, program in PROGRAMS.items():
            runs[name].append(run_alone(MEASURED.format(program=program)))
    return {name: _medians(costs) for name, costs in runs.items()}


def run_alone(program: str) -> tuple[float, float]:
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", program],
        cwd=Path(__file__).parent.parent,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


def _medians(costs: list[tuple[float, float]]) -> tuple[float, float]:
    seconds, megabytes = zip(*costs, strict=True)
    return statistics.median(seconds), statistics.median(megabytes)


if __name__ == "__main__":
    sys.exit(main())
