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


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One of the three promises: whether it was found kept, and what that means."""

    is_kept: bool
    sentence: str


def verdicts(found: Verdicts) -> list[Verdict]:
    """The three verdicts in their order."""
    return [
        _verdict(
            found.unaltered,
            _("Unaltered: every entry is what its hash was made of."),
            _("ALTERED: an entry, a link or a head is not what was written."),
        ),
        _verdict(
            found.no_gaps,
            _("No gaps: every number is there once."),
            _("GAPS: a number is missing or there twice."),
        ),
        _verdict(
            found.tail_complete,
            _("Tail complete: it ends where its head says."),
            _("TAIL INCOMPLETE: entries at the end are missing, or nobody's."),
        ),
    ]


def _verdict(is_kept: bool, kept: str, broken: str) -> Verdict:
    return Verdict(is_kept=is_kept, sentence=kept if is_kept else broken)


@dataclass(frozen=True, kw_only=True)
class VerifiedView:
    """The last verification of a chain as its page shows it."""

    result: LastVerification
    state: str
    scope: str
    verdicts: list[Verdict]
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
