"""What a person's roles let them move at a time and in a day, by currency."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from payments.money import currency_codes, in_currency

_ENTRY = re.compile(
    r"(?P<role>[a-z_]+)(?:/(?P<currency>[A-Z]{3}))?=(?P<transfer>[0-9]*)/(?P<day>[0-9]*)"
)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """In minor units; ``None`` for no limit."""

    transfer: int | None = None
    day: int | None = None


@dataclass(frozen=True, kw_only=True)
class RoleLimits:
    """Limits by role and currency. Those under no currency hold for all others.

    They are in hundredths of a unit, and mean the same number of units in every currency; those
    of one currency are in its own minor units.
    """

    entries: Mapping[tuple[str, str], Limits] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "RoleLimits":
        """Read ``teller=500000/2000000, teller/JPY=750000/``; raises ``ValueError``."""
        entries: dict[tuple[str, str], Limits] = {}
        for part in filter(None, map(str.strip, text.split(","))):
            found = _ENTRY.fullmatch(part)
            if found is None or found["currency"] not in (None, *currency_codes()):
                raise ValueError(
                    "ROLE_LIMITS must be a list of role=transfer/day or "
                    f"role/CURRENCY=transfer/day in whole minor units, not {part!r}."
                )
            key = (found["role"], found["currency"] or "")
            if key in entries:
                raise ValueError(f"ROLE_LIMITS must say everything once, not {part!r} as well.")
            entries[key] = Limits(transfer=_limit(found["transfer"]), day=_limit(found["day"]))
        return cls(entries=entries)

    @property
    def roles(self) -> set[str]:
        return {role for role, _ in self.entries}

    def limits(self, roles: Collection[str], currency: str) -> Limits:
        """What holds for a person: the widest of their roles', for each adds to what they may do.

        For a person whose roles nobody has handed down it is the narrowest that any role has.
        """
        found = [self._of(role, currency) for role in roles or self.roles]
        choose = _widest if roles else _narrowest
        return Limits(
            transfer=choose(each.transfer for each in found), day=choose(each.day for each in found)
        )

    def _of(self, role: str, currency: str) -> Limits:
        if own := self.entries.get((role, currency)):
            return own
        common = self.entries.get((role, ""), Limits())
        transfer, day = (
            None if limit is None else in_currency(limit, currency)
            for limit in (common.transfer, common.day)
        )
        return Limits(transfer=transfer, day=day)


def _limit(text: str) -> int | None:
    return int(text) if text else None


def _widest(limits: Iterable[int | None]) -> int | None:
    each = set(limits)
    return None if None in each else max(limit for limit in each if limit is not None)


def _narrowest(limits: Iterable[int | None]) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
