"""What can be asked for: each kind of job by its name."""

from backoffice.jobs.backfills import BACKFILL
from backoffice.jobs.exports import EXPORT
from backoffice.jobs.imports import DECIDE, IMPORT
from backoffice.jobs.lists import LIST
from backoffice.jobs.sweeps import SWEEP

KINDS = {kind.name: kind for kind in (BACKFILL, DECIDE, EXPORT, IMPORT, LIST, SWEEP)}
