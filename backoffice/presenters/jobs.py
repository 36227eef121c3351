"""Background jobs in words."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.jobs.chores import KINDS
from backoffice.jobs.records import Job, JobState
from backoffice.wording import said


@dataclass(frozen=True)
class JobView:
    """A job, how far it is, and where what it made is."""

    job: Job

    @property
    def url(self) -> str:
        return reverse("admin:job", args=[self.job.id])

    @property
    def entity_id(self) -> str:
        return f"job:{self.job.id}"

    @property
    def progress_url(self) -> str:
        """Where its progress loads from while there is any; empty once it is over."""
        return reverse("admin:job_progress", args=[self.job.id]) if self.job.is_open else ""

    @property
    def made_url(self) -> str:
        kind = KINDS.get(self.job.kind)
        if kind is None or not kind.page or self.job.state != JobState.DONE:
            return ""
        return reverse(kind.page, args=[self.job.id])

    @property
    def progress(self) -> str:
        """``1,200 of 5,000``, or as much of that as is known."""
        done, total = self.job.done, self.job.total
        if not total:
            return _("{number} so far").format(number=said(f"{done:,}")) if done else ""
        return _("{done} of {total}").format(done=said(f"{done:,}"), total=said(f"{total:,}"))
