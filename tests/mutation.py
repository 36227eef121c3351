"""Change the rules, retries and trail in every small way, and see whether a test notices.

`make test-mutants` runs this: mutmut changes, fast tests judge (both named in `pyproject.toml`).
It fails where fewer than ``WANTED_PERCENT`` of the changes are noticed, or where one that is not
is not in ``EXPLAINED``.
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.engines import ROOT

WANTED_PERCENT = 90
EXPLAINED = ROOT / "docs" / "mutation-testing.md"
NOTICED = ("killed", "timeout")
MUTMUT = (str(Path(sys.executable).parent / "mutmut"),)


def main() -> int:
    """Mutate, and print what came of it by module; gives the exit code."""
    subprocess.run([*MUTMUT, "run", "--max-children", "1"], cwd=ROOT, check=True)
    fates = fates_of_mutants(said("results", "--all", "true"))
    living = {name: said("show", name) for name, fate in fates.items() if fate not in NOTICED}
    unexplained = unexplained_of(living, EXPLAINED.read_text())
    percent = 100 * sum(fate in NOTICED for fate in fates.values()) / len(fates)
    sys.stdout.write("\n".join(["", *table(fates), "", *living.values(), ""]))
    sys.stdout.write(f"{percent:.1f} % of {len(fates)} killed; {WANTED_PERCENT} % are wanted.\n")
    for name in unexplained:
        sys.stdout.write(f"{name} lives on and {EXPLAINED.name} does not say why.\n")
    return int(percent < WANTED_PERCENT or bool(unexplained))


def said(*arguments: str) -> str:
    done = subprocess.run([*MUTMUT, *arguments], cwd=ROOT, check=True, capture_output=True)
    return done.stdout.decode()


def fates_of_mutants(results: str) -> dict[str, str]:
    """What became of each mutant, by its name."""
    return dict(line.strip().split(": ") for line in results.splitlines())


def unexplained_of(living: dict[str, str], text: str) -> list[str]:
    """Those that a text does not have the changed line of, or the line that was taken away."""
    return [name for name, shown in living.items() if _changed(shown) not in text]


def _changed(shown: str) -> str:
    lines = shown.splitlines()
    added, taken = ([line[1:] for line in lines if line[0:2] == f"{sign} "] for sign in "+-")
    return (added or taken)[0].strip()


def table(fates: dict[str, str]) -> list[str]:
    modules: dict[str, Counter[str]] = {}
    for name, fate in fates.items():
        modules.setdefault(name.rsplit(".", 1)[0], Counter())[fate] += 1
    kinds = [*NOTICED, *sorted({*fates.values()} - {*NOTICED})]
    lines = [f"{'module':24}" + "".join(f"{kind:>12}" for kind in kinds)]
    for module, counts in sorted(modules.items()):
        lines.append(f"{module:24}" + "".join(f"{counts[kind]:12,}" for kind in kinds))
    return lines


if __name__ == "__main__":
    sys.exit(main())
