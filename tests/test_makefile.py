"""The set-up behind every `make` command: nothing half installed, and said in a sentence."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.engines import ROOT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the Makefile and requirements that no index can meet."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "requirements-dev.txt"):
        hashed = f"iniconfig==2.3.1 --hash=sha256:{'0' * 64}\n"
        (tmp_path / name).write_text(hashed)
    return tmp_path


def make(folder: Path, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path or os.environ["PATH"], "PIP_NO_INDEX": "1"}
    command = [str(shutil.which("make")), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_help_has_a_line_for_every_command() -> None:
    lines = make(ROOT, "help").stdout.splitlines()
    phony = re.search(r"\.PHONY: ((?:.|\\\n)*?[^\\])\n", (ROOT / "Makefile").read_text())
    assert phony
    assert {line.split()[1] for line in lines} == set(phony[1].replace("\\\n", " ").split())
    assert all(len(line.split()) > 2 for line in lines)


def test_a_failing_installation_leaves_no_stamp(clone: Path) -> None:
    done = make(clone, "dev-setup")
    assert done.returncode != 0
    assert "could not be installed: see above, and run it again." in done.stderr
    assert not list(clone.glob(".venv/*.stamp"))


def test_without_a_fitting_python(clone: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "test", "echo"):
        (programs / name).symlink_to(str(shutil.which(name)))
    done = make(clone, "run", path=str(programs))
    assert done.returncode != 0
    assert "Python 3.11 or 3.12 is needed and is not on the PATH." in done.stderr
    assert not (clone / ".venv").exists()
