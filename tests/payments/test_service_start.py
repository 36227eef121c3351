"""What a cold start of the service imports, makes and costs."""

import os
import subprocess
import sys

import pytest

from benchmarks.service_start import ENVIRONMENT, PROGRAMS, started
from tests.engines import ROOT

STARTED = """
import sys
from payments import lambda_handler
from dynamodb import client
assert client._connection is not None, "the client is made in the first request"
for name in ("django", "environ", "boto3"):
    assert name not in sys.modules, f"{name} is imported"
answer = lambda_handler.handler({"httpMethod": "GET", "path": "/health"}, None)
assert answer["statusCode"] == 200, answer
"""


def test_the_client_is_made_at_start_and_neither_django_nor_boto3_is_imported() -> None:
    run = subprocess.run(
        [sys.executable, "-c", STARTED],
        cwd=ROOT,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.timeout(120)
def test_a_start_costs_little_more_than_pynamodbs_own() -> None:
    """`make benchmark-payments` shows it to be within 1.2; a busy machine is given some more."""
    least, ours = started(PROGRAMS, 3)
    assert ours.processor_ms <= 1.5 * least.processor_ms
    assert ours.more["MB"] <= 1.2 * least.more["MB"]
