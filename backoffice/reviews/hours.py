"""When the house works."""

from dataclasses import dataclass
from datetime import datetime, time

_SATURDAY = 5


@dataclass(frozen=True, kw_only=True)
class WorkingHours:
    """Weekdays between two times of day, in UTC."""

    begin: time
    end: time

    @classmethod
    def parse(cls, text: str) -> "WorkingHours":
        """Read hours such as ``06:00-20:00``; raises ``ValueError``."""
        try:
            begin, end = (time.fromisoformat(part) for part in text.split("-"))
        except ValueError:
            message = f"WORKING_HOURS must be like 06:00-20:00, not {text!r}."
            raise ValueError(message) from None
        return cls(begin=begin, end=end)

    def cover(self, at: datetime) -> bool:
        return at.weekday() < _SATURDAY and self.begin <= at.time() < self.end
