"""What became of it all, into the table: what really fired, what was answered, what was kept."""

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.bank import check_bank
from tests.faults.asks import SETTLED_SECONDS, Notebook
from tests.faults.trouble import Fault
from tests.tried import tell


def tell_fired(test: str, faults: Sequence[Fault], fired: Counter[str]) -> None:
    """By the proxy's own log: each sort of fault, and the kinds it is made of."""
    sorts: dict[str, list[Fault]] = {}
    for fault in faults:
        sorts.setdefault(fault.kind.partition(",")[0], []).append(fault)
    for sort, kinds in sorts.items():
        wanted, seen = sum(each.at_least for each in kinds), sum(fired[each.kind] for each in kinds)
        tell(test, f"fired: {sort}", seen, at_least=wanted)
        for kind in kinds if len(kinds) > 1 else ():
            of = kind.kind.partition(", ")[2]
            tell(test, f"       - {of}", fired[kind.kind], at_least=kind.at_least)


def judge(
    test: str,
    notebook: Notebook,
    stored: Mapping[str, Sequence[str]],
    settled: tuple[int, float],
) -> list[str]:
    """Hold answers against the store and the records against each other; gives all that is wrong.

    ``settled`` is how many outcomes were unknown in the end, and the seconds it took to settle.
    """
    answers, bank = notebook.faults(stored), check_bank()
    for answer, number in notebook.count().most_common():
        tell(test, f"answered: {answer}", number)
    tell(test, "unknown, settled by asking again", settled[0])
    tell(test, "seconds to settle them", settled[1], at_most=SETTLED_SECONDS)
    kinds = answers | {
        "balance negative": bank.negative,
        "sums that do not agree": bank.unbalanced,
        "without trail": bank.untold,
    }
    for kind, faults in kinds.items():
        tell(test, kind, len(faults), at_most=0)
    return [f"{kind}: {fault}" for kind, faults in kinds.items() for fault in faults]
