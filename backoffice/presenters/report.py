"""The compliance report as people read it: the same lines as text and as PDF."""

from collections.abc import Iterator, Sequence

from backoffice.presenters.printed import Section
from backoffice.report import DECIDED, LOCKS, REVIEWED, Report
from backoffice.reviews.queries import Day, DayState
from backoffice.templatetags.backoffice import in_words
from payments.money import format_amount

_NONE = [("None", "")]
_LABELS = {"person.locked": "Sign-in locked", "staff.unlocked": "Sign-in unlocked"}
"""What needs more words here than beside a person's name."""


def title(report: Report) -> str:
    return f"Compliance report, {report.first:%d %b %Y} to {report.last:%d %b %Y}"


def sections(report: Report) -> Iterator[Section]:
    money = [
        (currency, f"{format_amount(amount, currency)} in {report.payments[currency]} payments")
        for currency, amount in sorted(report.amounts_minor.items())
    ]
    yield Section(heading="Money moved", lines=money or _NONE)
    yield Section(heading="Requests and decisions", lines=_counted(report, DECIDED))
    alerts = [(in_words(rule), f"{count} raised") for rule, count in sorted(report.alerts.items())]
    yield Section(heading="Alerts by rule", lines=alerts or _NONE)
    outcomes = [(in_words(name), str(count)) for name, count in sorted(report.outcomes.items())]
    yield Section(heading="What has become of them", lines=outcomes or _NONE)
    yield Section(heading="Locks and freezes", lines=_counted(report, LOCKS))
    yield Section(heading="Daily reviews", lines=_coverage(report))
    days = [(f"{each.day:%d %b %Y}", _review(each)) for each in report.days_that_are(*REVIEWED)]
    yield Section(heading="Day by day", lines=days or _NONE)
    read = f"{report.entries} entries of the trail were read, all of the period."
    yield Section(heading="What this is made of", lines=[("Complete", read)])


def as_text(report: Report) -> str:
    """For a terminal."""
    lines = [title(report), f"Made {report.made_at:%d %b %Y %H:%M} UTC"]
    for section in sections(report):
        lines += ["", section.heading]
        lines += [f"  {label:<32} {told}".rstrip() for label, told in section.lines]
    return "\n".join(lines)


def as_pdf(report: Report) -> bytes:
    """For the files: a table a section, on A4."""
    from backoffice.presenters.pdf import printed

    return printed(title(report), report.made_at, sections(report))


def _counted(report: Report, actions: Sequence[str]) -> list[tuple[str, str]]:
    return [
        (_LABELS.get(action) or in_words(action), str(report.actions[action])) for action in actions
    ]


def _coverage(report: Report) -> list[tuple[str, str]]:
    missed = [f"{each.day:%d %b %Y}" for each in report.days_that_are(DayState.MISSED)]
    return [
        ("Days to be reviewed", str(len(report.days_that_are(*REVIEWED)))),
        ("Signed", str(len(report.days_that_are(DayState.SIGNED)))),
        ("Open", str(len(report.days_that_are(DayState.OPEN)))),
        ("Missed", ", ".join(missed) or "none"),
    ]


def _review(each: Day) -> str:
    review = each.review
    if review is None or review.signed_at is None:
        return each.state
    signed = f"signed by {review.signed_by}, {review.signed_at:%d %b %Y %H:%M} UTC"
    return f"{signed}, {review.items} lines, digest {str(review.digest)[:16]}"
