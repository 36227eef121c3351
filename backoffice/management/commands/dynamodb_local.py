"""`manage.py dynamodb_local start|stop|status`: the embedded engine alone."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dynamodb import local


class Command(BaseCommand):
    help = "Start or stop the embedded DynamoDB Local, or tell how it is."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["start", "stop", "status"])

    def handle(self, *_args: Any, action: str, **_options: Any) -> None:
        """`start` leaves the engine running until `stop`; `status` fails where it is not well."""
        try:
            self.stdout.write({"start": _start, "stop": _stop, "status": _status}[action]())
        except local.EngineError as error:
            raise CommandError(str(error)) from error


def _start() -> str:
    lease = local.start(settings.DYNAMODB_LOCAL_DIR, settings.DYNAMODB_LOCAL_PORT, keep=True)
    lease.release()
    local.require_transactions(lease.engine.endpoint_url)
    return lease.how


def _stop() -> str:
    if local.stop(settings.DYNAMODB_LOCAL_DIR):
        return "DynamoDB Local has ended; its data is kept."
    return f"No DynamoDB Local serves {settings.DYNAMODB_LOCAL_DIR}."


def _status() -> str:
    engine = local.find(settings.DYNAMODB_LOCAL_DIR)
    if engine is None:
        raise local.EngineError(f"No DynamoDB Local serves {settings.DYNAMODB_LOCAL_DIR}.")
    at = f"at {engine.endpoint_url} (process {engine.pid}, since {engine.started})"
    if not local.answers(engine.endpoint_url):
        raise local.EngineError(f"DynamoDB Local {at} does not answer.")
    return f"DynamoDB Local is up {at}, data in {engine.data_dir}."
