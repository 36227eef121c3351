"""What can be asked for: each kind of job by its name."""

from backoffice.jobs.services import Kind

KINDS: dict[str, Kind] = {}
