"""`manage.py dynamodb_local`: the embedded engine alone."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from dynamodb import local

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    settings.DYNAMODB_LOCAL_DIR = tmp_path
    settings.DYNAMODB_LOCAL_PORT = local.free_port()
    yield tmp_path
    local.stop(tmp_path)


def said(action: str) -> str:
    out = StringIO()
    call_command("dynamodb_local", action, stdout=out)
    return out.getvalue()


def test_from_start_to_stop(folder: Path) -> None:
    assert "is up at" in said("start")
    assert "is up at" in said("status")
    assert "already runs at" in said("start")
    assert "has ended" in said("stop")
    assert local.find(folder) is None


def test_nothing_to_stop() -> None:
    assert "No DynamoDB Local serves" in said("stop")


def test_status_fails_where_nothing_runs() -> None:
    with pytest.raises(CommandError, match="No DynamoDB Local serves"):
        said("status")


def test_a_second_engine_and_one_that_does_not_answer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    said("start")
    settings.DYNAMODB_LOCAL_PORT = local.free_port()
    with pytest.raises(CommandError, match="two engines would spoil it"):
        said("start")
    monkeypatch.setattr(local, "answers", lambda _url: False)
    with pytest.raises(CommandError, match="does not answer"):
        said("status")
