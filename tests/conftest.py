"""What all tests share: the engine, and an honest account of what was tried and left out."""

import gc
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import hypothesis
import pytest

from tests import tried
from tests.chromium import find_chromium
from tests.engines import throwaway_engine
from tests.stores import archive, leave, local_store, moto_store, moto_tables

__all__ = ["archive", "local_store", "moto_store", "moto_tables"]

hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")
gc.set_threshold(100_000, 20, 100)  # a tenth of the time of tests in process went to it
# Engines of tests are short-lived: half their time went into making them fast.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")

DESELECTED, NO_CHROMIUM = pytest.StashKey[set[str]](), pytest.StashKey[set[str]]()
LEFT_OUT = {"deselected": DESELECTED, "no_chromium": NO_CHROMIUM}
LONG = ("load", "browser", "processes", "integration")
"""Marks of tests that one worker begins with, so that no other needs their servers or ends last."""
REQUIRE_ALL = os.environ.get("REQUIRE_ALL_TESTS", "") not in ("", "0")


@pytest.fixture(scope="session", autouse=True)
def nowhere() -> None:
    """Keep every test away from the store that the settings name."""
    leave()


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """The URL of a DynamoDB Local in memory, shared by the whole run of one process."""
    with throwaway_engine() as running:
        yield running.endpoint_url


@pytest.fixture
def without_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep Django's client from copying the context of each template, and of each part of one."""
    monkeypatch.setattr("django.test.client.store_rendered_templates", lambda *_, **__: None)


def pytest_configure(config: pytest.Config) -> None:
    for kind in LEFT_OUT.values():
        config.stash[kind] = set()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests first; repeat what a slow machine fails; leave out browsers without Chromium."""
    items.sort(key=lambda item: [not item.get_closest_marker(name) for name in LONG])
    for item in items:
        if any(item.get_closest_marker(name) for name in ("browser", "processes")):
            item.add_marker(pytest.mark.flaky(reruns=2))
    if find_chromium() is not None:
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
    config.stash[NO_CHROMIUM].update(item.nodeid for item in left_out)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    for item in items:
        item.config.stash[DESELECTED].add(item.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that must be complete and is not. A worker tells the run what it left out."""
    stash = session.config.stash
    if hasattr(session.config, "workeroutput"):
        for name, kind in LEFT_OUT.items():
            session.config.workeroutput[name] = [*stash[kind]]
        session.config.workeroutput["tried"] = [asdict(row) for row in tried.ROWS]
    elif REQUIRE_ALL and session.exitstatus == pytest.ExitCode.OK and _number_not_run(session):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    output = getattr(node, "workeroutput", {})
    for name, kind in LEFT_OUT.items():
        node.config.stash[kind].update(output.get(name, ()))
    tried.ROWS.extend(tried.Row(**row) for row in output.get("tried", ()))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if shown := tried.lines():
        terminalreporter.section(tried.TITLE)
        terminalreporter.write_line("\n".join(shown))
    if left_out := config.stash[NO_CHROMIUM]:
        terminalreporter.section("left out: no Chromium on the PATH")
        terminalreporter.write_line("\n".join(sorted(left_out)))
        terminalreporter.write_line("Install Chromium to run them, on Debian: apt install chromium")
    if REQUIRE_ALL and (number := _number_not_run(terminalreporter)):
        terminalreporter.section("incomplete")
        terminalreporter.write_line(f"REQUIRE_ALL_TESTS is set and {number} did not run: failed.")


def _number_not_run(of: pytest.Session | pytest.TerminalReporter) -> int:
    reporter: pytest.TerminalReporter = of.config.pluginmanager.getplugin("terminalreporter")
    return len(reporter.stats.get("skipped", [])) + len(of.config.stash[DESELECTED])
