"""What the docs tell people to run is there to be run, with the options that they name."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from tests.engines import ROOT

TEXTS = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
RUN = re.compile(r"manage\.py ([a-z_]+)((?: --[a-z-]+| [A-Za-z0-9\"-]+)*)")


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_every_command_is_there_with_its_options(text: Path) -> None:
    apps = get_commands()
    for name, words in RUN.findall(text.read_text()):
        assert name in apps, name
        options = load_command_class(apps[name], name).create_parser("manage.py", name)
        unknown = set(re.findall(r"--[a-z-]+", words)) - set(options._option_string_actions)
        assert unknown == set(), name


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_every_target_and_file_is_there(text: Path) -> None:
    words, makefile = text.read_text(), (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z-]+)", words):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    named = re.findall(
        r"`((?:backoffice|payments|audit|dynamodb|deploy|tests|benchmarks)/[\w/.]+)`", words
    )
    modules = re.findall(r"python -m (benchmarks\.\w+)", words)
    for path in [*named, *(f"{module.replace('.', '/')}.py" for module in modules)]:
        assert (ROOT / path.replace("STAGE", "staging")).exists(), path
