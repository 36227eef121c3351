"""What all tests share: the engine, and an honest account of what was left out."""

import os
from collections.abc import Iterator

import pytest

from tests.chromium import find_chromium
from tests.engines import throwaway_engine
from tests.stores import archive, leave, local_store, moto_store, moto_tables

__all__ = ["archive", "local_store", "moto_store", "moto_tables"]

LEFT_OUT = pytest.StashKey[list[str]]()
REQUIRE_ALL = os.environ.get("REQUIRE_ALL_TESTS", "") not in ("", "0")


@pytest.fixture(scope="session", autouse=True)
def nowhere() -> None:
    """Keep every test away from the store that the settings name."""
    leave()


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """The URL of a DynamoDB Local in memory, shared by the whole run."""
    with throwaway_engine() as running:
        yield running.endpoint_url


@pytest.fixture
def disk_engine() -> Iterator[str]:
    """The URL of a DynamoDB Local of this test's own, which keeps its records on disk."""
    with throwaway_engine(in_memory=False) as running:
        yield running.endpoint_url


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the browser tests where there is no Chromium."""
    if find_chromium() is not None:
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
    config.stash[LEFT_OUT] = [item.nodeid for item in left_out]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that must be complete and is not."""
    if REQUIRE_ALL and session.exitstatus == pytest.ExitCode.OK and _number_not_run(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if left_out := config.stash.get(LEFT_OUT, []):
        terminalreporter.section("left out: no Chromium on the PATH")
        terminalreporter.write_line("\n".join(left_out))
        terminalreporter.write_line("Install Chromium to run them, on Debian: apt install chromium")
    if REQUIRE_ALL and (number := _number_not_run(config)):
        terminalreporter.section("incomplete")
        terminalreporter.write_line(f"REQUIRE_ALL_TESTS is set and {number} did not run: failed.")


def _number_not_run(config: pytest.Config) -> int:
    reporter: pytest.TerminalReporter = config.pluginmanager.getplugin("terminalreporter")
    return len(reporter.stats.get("skipped", [])) + len(reporter.stats.get("deselected", []))
