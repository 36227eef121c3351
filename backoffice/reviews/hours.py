"""When the house works."""

from dataclasses import dataclass
from datetime import datetime, time

_SATURDAY = 5


@dataclass(frozen=True, kw_only=True)
class WorkingHours:
    """Weekdays between two times of day, in UTC."""

    begin: time
    end: time

    def cover(self, at: datetime) -> bool:
        return at.weekday() < _SATURDAY and self.begin <= at.time() < self.end
