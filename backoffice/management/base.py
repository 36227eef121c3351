"""What operators' commands share: who acts and why, one sentence for trouble, JSON for scripts."""

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress
from uuid_utils import uuid7

from audit import context
from audit.context import Actor, Context
from backoffice.jobs import services
from backoffice.jobs.records import Job, JobState
from backoffice.jobs.worker import Worker
from backoffice.permissions import Permission
from backoffice.staff import doings, queries
from backoffice.staff.models import Staff
from backoffice.staff.refusals import NotAllowed
from dynamodb.errors import OutcomeUnknownError, StoreError
from dynamodb.scans import SEGMENTS
from dynamodb.times import utc_now
from payments.refusals import InvalidField, Refusal


def day(text: str) -> date:
    """A UTC day as an option takes it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day such as 2026-01-31") from None


def add_segments(parser: ArgumentParser) -> None:
    """An option of those that read whole tables."""
    parser.add_argument(
        "--segments",
        type=int,
        choices=range(1, SEGMENTS + 1),
        default=SEGMENTS // 2,
        help=f"how many of the {SEGMENTS} parts of a table are read side by side; %(default)s",
    )


@contextmanager
def progress_bar(title: str = "", total: int | None = None) -> Iterator[Callable[..., None]]:
    """A bar on stderr, and what moves it: ``completed``, ``total``, ``description``."""
    with Progress(console=Console(file=sys.stderr)) as progress:
        yield partial(progress.update, progress.add_task(title, total=total))


def _check_written(options: dict[str, Any]) -> None:
    """Refuse what a shell passed on that is no text; Python keeps its bytes as no character."""
    for name, value in options.items():
        try:
            str(value).encode()
        except UnicodeEncodeError:
            raise InvalidField(name, "It must be written in UTF-8.") from None


class Refused(CommandError):  # noqa: N818 - its name is what stands before the sentence
    """A rule says no. The command ends with code 2."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, returncode=2)


class Failed(CommandError):  # noqa: N818 - the same
    """The store could not be read or written. The command ends with code 1."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a command has done: a sentence for people, a JSON object for scripts.

    With ``failure``, a sentence of its own, the command ends with code 1.
    """

    sentence: str
    data: dict[str, Any]
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One run of a command: who acts, when, and with which options, by their names."""

    actor: Actor
    at: datetime
    options: dict[str, Any]

    def __getitem__(self, option: str) -> Any:
        return self.options[option]


class TellingCommand(BaseCommand):
    """A command that tells what it has done, and trouble in one sentence and an exit code.

    Subclasses write ``act`` and add options in ``add_options``.
    """

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object as the last line"
        )
        self.add_options(parser)

    def add_options(self, parser: ArgumentParser) -> None:
        """Add what this command takes besides."""

    def act(self, call: Call) -> Done:
        """Do it. Refusals and errors of the store become one sentence and an exit code."""
        raise NotImplementedError

    def actor(self, options: dict[str, Any], at: datetime) -> Actor:  # noqa: ARG002 - an operator's need them
        return Actor(id=f"system:{self._name}")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raises ``Refused`` or ``Failed``, which end the command with their code."""
        origin = Context(user_agent=f"manage.py {self._name}", request_id=str(uuid7()))
        with context.use(origin):
            try:
                _check_written(options)
                at = utc_now()
                actor = self.actor(options, at)
                context.name_actor(actor.id)
                done = self.act(Call(actor=actor, at=at, options=options))
            except Refusal as refusal:
                self._print_error(options, str(refusal), refusal.code)
                raise Refused(str(refusal)) from refusal
            except OutcomeUnknownError as error:
                sentence = f"{error} It may have been done all the same."
                if options.get("request_id"):
                    sentence += (
                        f" To find out, add --request-id {options['request_id']} and run it again."
                    )
                self._print_error(options, sentence, "outcome_unknown")
                raise Failed(sentence) from error
            except StoreError as error:
                self._print_error(options, str(error), "store")
                raise Failed(str(error)) from error
        if told := json.dumps(done.data) if options["json"] else done.sentence:
            self.stdout.write(told)
        if done.failure:
            raise Failed(done.failure)

    @property
    def _name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    def _print_error(self, options: dict[str, Any], sentence: str, code: str) -> None:
        if options["json"]:
            self.stdout.write(json.dumps({"error": sentence, "code": code}))


class RepeatedCommand(TellingCommand):
    """A command that does over and over what is due; trouble may be over the next time."""

    pause_seconds: ClassVar[int]

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what is due now, and end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Go on until Ctrl-C. Raises ``Failed`` only if it runs ``--once``."""
        if options["once"]:
            super().handle(*args, **options)
            return
        try:
            while True:
                try:
                    super().handle(*args, **options)
                except Failed as error:
                    again = f"It is tried again in {self.pause_seconds} seconds."
                    self.stderr.write(f"{error} {again}")
                time.sleep(self.pause_seconds)
        except KeyboardInterrupt:
            self.stderr.write("Stopped.")


class OperatorCommand(TellingCommand):
    """A command that changes something, run by a member of staff who may do it.

    Subclasses name the ``permission`` too. Before anything is done, the trail notes in the
    operator's chain what is run and why. A command that changes nothing may do without an
    operator, and is then the system's own.
    """

    permission: ClassVar[Permission]
    needs_operator: ClassVar[bool] = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--operator", metavar="NAME", help="the member of staff who acts")
        parser.add_argument("--reason", metavar="TEXT", help="why, for the trail")
        super().add_arguments(parser)

    def actor(self, options: dict[str, Any], at: datetime) -> Actor:
        """The operator, once it is certain that they may do this and the trail has the reason."""
        if not (self.needs_operator or options["operator"] or options["reason"]):
            return super().actor(options, at)
        if not options["operator"] or not options["reason"]:
            raise NotAllowed("Say who acts and why: --operator NAME --reason TEXT.")
        record = queries.find(options["operator"])
        if record is None or not record.is_active:
            raise NotAllowed(f"There is no active member of staff named {options['operator']!r}.")
        operator = Staff.of(record)
        if not operator.has_perm(self.permission):
            values = {"command": self._name, "permission": str(self.permission)}
            doings.access_refused(operator.username, values=values, at=at)
            raise NotAllowed(f"{operator.username} may not do this: it needs {self.permission}.")
        doings.command_run(operator.username, command=self._name, reason=options["reason"], at=at)
        return operator.actor

    def finished(self, job: Job) -> Job:
        """Do a job here, unless a worker was faster; wait for its end. Raises ``Failed``."""
        with progress_bar(job.title) as update:
            worker = Worker(
                say=lambda _: None,
                watch=lambda seen: update(completed=seen.done, total=seen.total),
            )
            while job.is_open:
                worker.do_job(job)
                job = services.find_job(job.id)
                worker.watch(job)
                if job.is_open:
                    time.sleep(0.5)
        if job.state != JobState.DONE:
            raise Failed(job.error or f"The job was {job.state}.")
        return job

    @staticmethod
    def request_id(call: Call) -> str:
        """The request's name, scoped to its operator; one is made where none was given."""
        call.options["request_id"] = call.options["request_id"] or str(uuid7())
        return f"command:{call.actor.id}:{call['request_id']}"
