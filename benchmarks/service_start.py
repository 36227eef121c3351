"""What a cold start of the service costs beside the least that any program on PynamoDB pays.

Each row is of several processes of their own the one at the lower quartile by processor time,
which other programs on the machine have disturbed least: what imports took and making the client,
and the most memory that a process held, in the middle.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from benchmarks.frame import Row, show

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
    least, ours = rows = started(PROGRAMS, PROCESSES)
    times = ours.processor_ms / least.processor_ms, ours.more["MB"] / least.more["MB"]
    for what, ratio in zip(("times the processor time", "times the memory"), times, strict=True):
        ours.more[what] = round(ratio, 2)
    show("service_start", {"Cold start, in processor time": rows})
    return int(max(times) > LIMIT)


def started(programs: Mapping[str, str], processes: int) -> list[Row]:
    """A row by program; the programs take turns, so that noise meets all alike."""
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for _ in track(range(processes), "Starts", console=Console(stderr=True)):
        for name, program in programs.items():
            costs[name].append(run_alone(MEASURED.format(program=program)))
    return [_row(name, *zip(*each, strict=True)) for name, each in costs.items()]


def _row(name: str, seconds: Sequence[float], megabytes: Sequence[float]) -> Row:
    quiet, held = sorted(seconds)[len(seconds) // 4], round(statistics.median(megabytes))
    return Row(
        name=name, count=1, seconds=quiet, processor_seconds=quiet,
        times_ms=[each * 1000 for each in seconds], more={"MB": held},
    )  # fmt: skip


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


if __name__ == "__main__":
    sys.exit(main())
