"""What a package is made of, as CycloneDX and as a table of licences."""

import sys
from collections.abc import Collection, Iterable
from importlib.metadata import Distribution, distributions
from typing import Any

from rich.console import Console
from rich.table import Table


def bill_of_materials(name: str, parts: Collection[Distribution]) -> dict[str, Any]:
    """A CycloneDX 1.6 document: the same for the same parts, without a serial number or a date."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": name}},
        "components": [
            {
                "type": "library",
                "name": part.name,
                "version": part.version,
                "purl": f"pkg:pypi/{part.name.lower().replace('_', '-')}@{part.version}",
                "licenses": [{"license": {"name": licence(part)}}],
            }
            for part in parts
        ],
    }


def licence(part: Distribution) -> str:
    """A distribution's licence as it states it itself."""
    told = part.metadata
    stated = told.get_all("License-Expression") or ()
    classified = (
        line.rpartition(" :: ")[2]
        for line in told.get_all("Classifier") or ()
        if line.startswith("License ::")
    )
    written = (text.strip().partition("\n")[0] for text in told.get_all("License") or ())
    return ", ".join(stated) or ", ".join(classified) or ", ".join(written) or "not stated"


def licences(parts: Iterable[Distribution]) -> dict[str, str]:
    """Licences by name and version, in order."""
    return dict(sorted((f"{part.name} {part.version}", licence(part)) for part in parts))


def main() -> None:
    table = Table("package", "licence")
    for name, stated in licences(distributions()).items():
        table.add_row(name, stated)
    Console(file=sys.stdout).print(table)


if __name__ == "__main__":
    main()
