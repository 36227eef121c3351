"""The whole back office as a person meets it: engine, demo data, server and a real browser."""

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from dynamodb import local
from tests.chromium import find_chromium
from tests.engines import ROOT, throwaway_engine

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
READY_SECONDS = 60
PASSWORD = "demo-only-2026!"


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    with demo_site() as address:
        yield address


@contextmanager
def demo_site() -> Iterator[str]:
    """The address of a back office with demo data, served as `make run` serves it."""
    with throwaway_engine() as engine, tempfile.TemporaryDirectory() as packs:
        environment = {**os.environ, "DYNAMODB_ENDPOINT_URL": engine.endpoint_url}
        environment["EXPORT_DIR"] = packs
        for command in ("create_payment_tables", "seed_test_data"):
            manage = [sys.executable, "manage.py", command]
            subprocess.run(manage, cwd=ROOT, env=environment, check=True, capture_output=True)
        with serving(environment) as address:
            yield address


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[str]:
    port = local.free_port()
    gunicorn = [sys.executable, "-m", "gunicorn", "--config", "python:backoffice.gunicorn_conf"]
    commands = [
        [*gunicorn, "--bind", f"127.0.0.1:{port}"],
        [sys.executable, "manage.py", "run_worker", "--parent", str(os.getpid())],
    ]
    running = [subprocess.Popen(each, cwd=ROOT, env=environment) for each in commands]
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    pytest.fail("The server was not ready in time.")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_chromium(), args=FLAGS, headless=True
        )
        yield chromium
        chromium.close()


@contextmanager
def opened_page(browser: Browser, site: str, *, scheme: str = "light") -> Iterator[Page]:
    """A page of a fresh browser; anything it says on its console fails the test."""
    context = browser.new_context(
        base_url=site,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": 1280, "height": 900},
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    try:
        yield page
    finally:
        context.close()
    # Chromium notes every answer above 399; a refusal's 422 and the 401 that asks for a second
    # factor are explained by the page; a robot types before the browser places the cursor.
    explained = ("status of 401", "status of 422", "Autofocus processing was blocked")
    assert [text for text in said if not any(code in text for code in explained)] == []


def sign_in(page: Page, username: str) -> None:
    page.goto("/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/admin/")
