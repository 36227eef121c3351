"""What verifications found, in words."""

from dataclasses import dataclass
from typing import Protocol

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.models import EVERYTHING, LastVerification
from backoffice.wording import said


class Verdicts(Protocol):
    """Whatever has the three verdicts on a trail."""

    @property
    def unaltered(self) -> bool: ...
    @property
    def no_gaps(self) -> bool: ...
    @property
    def tail_complete(self) -> bool: ...


def verdicts(found: Verdicts) -> list[str]:
    """A sentence for each of the three promises: that it was found kept, or broken."""
    return [
        _("Unaltered: every entry is what its hash was made of.")
        if found.unaltered
        else _("ALTERED: an entry, a link or a head is not what was written."),
        _("No gaps: every number is there once.")
        if found.no_gaps
        else _("GAPS: a number is missing or there twice."),
        _("Tail complete: it ends where its head says.")
        if found.tail_complete
        else _("TAIL INCOMPLETE: entries at the end are missing, or nobody's."),
    ]


@dataclass(frozen=True, kw_only=True)
class VerifiedView:
    """The last verification of a chain as its page shows it."""

    result: LastVerification
    state: str
    scope: str
    verdicts: list[str]
    more_faults: int


def verified_view(result: LastVerification | None) -> VerifiedView | None:
    if result is None:
        return None
    of = _("of the whole trail") if result.entity_id == EVERYTHING else _("of this chain")
    return VerifiedView(
        result=result,
        state="faults found" if result.fault_count else "verified",
        scope=ngettext("{number} entry {of}.", "{number} entries {of}.", result.entries).format(
            number=said(f"{result.entries:,}"), of=of
        ),
        verdicts=verdicts(result),
        more_faults=result.fault_count - len(result.faults),
    )
