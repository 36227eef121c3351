"""What a run says of tests that it leaves out, and when that fails it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines import ROOT

TESTS = """
import pytest

def test_everywhere(): pass

@pytest.mark.browser
def test_in_a_browser(): pass

@pytest.mark.skipif("SKIP" in __import__("os").environ, reason="told to")
def test_perhaps(): pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "test_some.py").write_text(TESTS)
    return tmp_path


def a_pytest_run(
    folder: Path, *options: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    without = {name: value for name, value in os.environ.items() if name != "REQUIRE_ALL_TESTS"}
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.conftest",
            str(folder),
            "-c",
            "pyproject.toml",
            *options,
        ],
        cwd=ROOT,
        env=without | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_chromium_it_says_what_is_left_out(folder: Path) -> None:
    run = a_pytest_run(folder, PATH=str(folder))
    assert run.returncode == 0, run.stdout
    assert "left out: no Chromium on the PATH" in run.stdout
    assert "test_some.py::test_in_a_browser" in run.stdout
    assert "apt install chromium" in run.stdout
    assert "2 passed, 1 deselected" in run.stdout


def test_a_run_that_must_be_complete_fails_without_chromium(folder: Path) -> None:
    run = a_pytest_run(folder, "-n", "1", PATH=str(folder), REQUIRE_ALL_TESTS="1")
    assert run.returncode == 1
    assert "test_some.py::test_in_a_browser" in run.stdout
    assert "REQUIRE_ALL_TESTS is set and 1 did not run" in run.stdout


def test_a_run_that_must_be_complete_fails_with_a_skipped_test(folder: Path) -> None:
    chromium = folder / "chromium"
    chromium.touch(mode=0o755)
    run = a_pytest_run(folder, PATH=str(folder), SKIP="", REQUIRE_ALL_TESTS="1")
    assert run.returncode == 1
    assert "REQUIRE_ALL_TESTS is set and 1 did not run" in run.stdout
    assert a_pytest_run(folder, PATH=str(folder), REQUIRE_ALL_TESTS="1").returncode == 0
