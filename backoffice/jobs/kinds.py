"""What can be asked for: each kind of job by its name."""

from backoffice.jobs.backfills import BACKFILL
from backoffice.jobs.exports import EXPORT
from backoffice.jobs.imports import DECIDE, IMPORT

KINDS = {kind.name: kind for kind in (BACKFILL, EXPORT, IMPORT, DECIDE)}
