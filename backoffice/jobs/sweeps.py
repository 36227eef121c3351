"""The sweep for alerts as a job of each day: stopped, it goes on with the next worker."""

from datetime import datetime

from backoffice.jobs.records import Job
from backoffice.jobs.services import Kind, Order, Work, order_job
from backoffice.permissions import Permission
from dynamodb import store
from dynamodb.times import utc_day
from payments.alerts import WATCH
from payments.sweep import Sweep, sweep, take_up


def order_sweep(at: datetime) -> str:
    """Ask for the sweep of the day, unless it was asked for already."""
    day = utc_day(at)
    order = Order(id=f"sweep-{day}", kind=SWEEP.name, title=f"Sweep for alerts, {day}")
    if store.get(Job(id=order.id)):
        return ""
    order_job(order, actor=WATCH, at=at)
    return f"asked for on {day}"


def run_sweep(work: Work) -> None:
    def on_page(run: Sweep) -> None:
        work.save({}, done=run.counts["accounts"])

    run = sweep(take_up(at=work.clock()), on_page, beat=work.keep)
    work.finish(run.counts)


SWEEP = Kind(name="sweep", run=run_sweep, permission=Permission.MANAGE_ALERTS)
