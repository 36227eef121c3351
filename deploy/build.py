"""Packages for AWS Lambda: the same bytes from the same sources, each with its bill of materials.

``service`` holds the HTTP service, the function of events, and only what they import;
``backoffice`` the staff pages and the scheduled commands. What others wrote is taken from the
environment this runs in, where it was installed by hash from ``requirements.txt``.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distribution, packages_distributions
from modulefinder import ModuleFinder
from pathlib import Path

from packaging.requirements import Requirement

from deploy.bill import bill_of_materials

ROOT = Path(__file__).parent.parent
PACKAGES = ("audit", "backoffice", "dynamodb", "payments")
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
"""The Lambda runtime that the packages are for: compiled files fit no other."""

PLATFORM = "linux-x86_64"

_LEFT_OUT = re.compile(r"(^|/)(__pycache__|tests?)/|\.pyi?[cod]?\.|\.(pyc|pyi|c|h|java)$|RECORD$")
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)


class BuildError(Exception):
    """Why there is no package, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """What goes into one package: modules of ours, names of distributions, services of botocore."""

    name: str
    modules: Collection[Path]
    requirements: Collection[str]
    services: Collection[str]
    others: Collection[Path] = field(default=())


def service() -> Package:
    """What its two handlers import, however indirectly."""
    finder = ModuleFinder(path=[str(ROOT)])
    for handler in ("payments.lambda_handler", "payments.events_handler"):
        finder.import_hook(handler)
    files = (getattr(module, "__file__", None) for module in finder.modules.values())
    theirs = {name.partition(".")[0] for name in finder.badmodules} - sys.stdlib_module_names
    known = packages_distributions()
    return Package(
        name="service",
        modules=[Path(file) for file in files if file],
        requirements={known[name][0] for name in theirs - set(PACKAGES)},
        services={"dynamodb", "sns"},
    )


def backoffice() -> Package:
    """All of ours, and all that the project depends on but what the platform does itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {Requirement(text).name for text in project["dependencies"]}
    folders = ("templates", "backoffice/static", "backoffice/locale")
    others = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    others += (ROOT / "backoffice").glob("*.toml")
    return Package(
        name="backoffice",
        modules=[path for name in PACKAGES for path in (ROOT / name).rglob("*.py")],
        requirements=required - {"boto3", "gunicorn"},
        services={"dynamodb", "s3", "sns"},
        others=[path for path in others if path.is_file()],
    )


def build(package: Package, target: Path) -> Path:
    """Make ``<name>.zip`` and ``<name>.cdx.json`` in a folder; gives the first.

    Raises ``BuildError`` where what is installed cannot run on Lambda.
    """
    if sysconfig.get_platform() != PLATFORM:
        raise BuildError("A package is built on x86_64 Linux, as it will run on.")
    folder = target / package.name
    shutil.rmtree(folder, ignore_errors=True)
    parts = parts_of(package)
    for part in parts:
        _unpack(part, folder)
    for path in (*package.modules, *package.others):
        _copy(path, folder / path.relative_to(ROOT))
    if package.others:
        _collect_static(folder)
    _trim_botocore(folder / "botocore/data", package.services)
    _compile(folder)
    bill = json.dumps(bill_of_materials(package.name, parts), indent=1, sort_keys=True)
    (target / f"{package.name}.cdx.json").write_text(bill + "\n")
    return _zip(folder, target / f"{package.name}.zip")


def parts_of(package: Package) -> list[Distribution]:
    """What others wrote of a package, in order."""
    return sorted(_with_their_own(package.requirements), key=lambda part: part.name.lower())


def _with_their_own(names: Collection[str]) -> Iterator[Distribution]:
    """Distributions and what they need themselves, each once."""
    waiting, seen = list(names), set[str]()
    while waiting:
        part = distribution(waiting.pop())
        if part.name.lower() not in seen:
            seen.add(part.name.lower())
            needs = map(Requirement, part.requires or ())
            waiting += [
                need.name
                for need in needs
                if need.marker is None or need.marker.evaluate({"extra": ""})
            ]
            yield part


def _unpack(part: Distribution, folder: Path) -> None:
    tags = re.findall(r"^Tag: .*-(\w+)$", part.read_text("WHEEL") or "", re.MULTILINE)
    if not all(tag == "any" or tag.startswith("manylinux") for tag in tags):
        raise BuildError(f"{part.name} was built for this machine alone: install its wheel.")
    for path in part.files or ():
        if path.parts[0] != ".." and not _LEFT_OUT.search(str(path)):
            _copy(Path(str(part.locate_file(path))), folder / path)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _trim_botocore(data: Path, services: Collection[str]) -> None:
    """Keep of botocore's 400 services those that are used, in their newest version."""
    for folder in filter(Path.is_dir, data.iterdir()):
        for older in sorted(folder.iterdir())[: None if folder.name not in services else -1]:
            shutil.rmtree(older)
        for kept in folder.rglob("*"):
            if kept.name.startswith(("examples", "paginators", "waiters")):
                kept.unlink()
        if folder.name not in services:
            folder.rmdir()
    endpoints = json.loads((data / "endpoints.json").read_text())
    for partition in endpoints["partitions"]:
        known = partition["services"]
        partition["services"] = {name: known[name] for name in services if name in known}
    (data / "endpoints.json").write_text(json.dumps(endpoints, sort_keys=True))


def _collect_static(folder: Path) -> None:
    """Put the pages' files where they are served from, under names made from their bytes."""
    secrets = ("DJANGO_SECRET_KEY", "DJANGO_ALLOWED_HOSTS", "CURSOR_SIGNING_KEY", "MFA_SEED_KEY")
    settings = {"DJANGO_SETTINGS_MODULE": "backoffice.settings", "DJANGO_DEBUG": "false"}
    subprocess.run(
        [sys.executable, "-m", "django", "collectstatic", "--noinput", "--verbosity", "0"],
        cwd=folder,
        env=os.environ | settings | dict.fromkeys(secrets, "only-for-the-build-" * 4),
        check=True,
    )


def _compile(folder: Path) -> None:
    """Compile so that nothing of this machine or day gets into the bytes."""
    mode = ("--invalidation-mode", "unchecked-hash")
    subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "compileall", "-q", *mode, "-s", folder, "-p", "/var/task", folder],
        env=os.environ | {"PYTHONHASHSEED": "0"},
        check=True,
    )


def _zip(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(path.relative_to(folder)), _FIRST_DAY)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return target


def main() -> None:
    target = ROOT / "build"
    target.mkdir(exist_ok=True)
    for package in (service(), backoffice()):
        try:
            made = build(package, target)
        except BuildError as error:
            sys.exit(str(error))
        unpacked = sum(path.stat().st_size for path in (target / package.name).rglob("*"))
        print(f"{made.relative_to(ROOT)}: {_mb(made.stat().st_size)}, unpacked {_mb(unpacked)}")


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:.1f} MB"


if __name__ == "__main__":
    main()
