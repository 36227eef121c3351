"""`manage.py export_audit`: an evidence pack of a search, an account, a customer or a case."""

import shutil
from argparse import ArgumentParser
from pathlib import Path

from django.http import QueryDict

from backoffice.forms.exports import ExportForm
from backoffice.jobs import services
from backoffice.jobs.exports import export_order, pack_path
from backoffice.jobs.scopes import SCOPES, SEARCH
from backoffice.management.base import Call, Done, Failed, OperatorCommand
from backoffice.permissions import Permission

_SEARCHED = ("entity", "action", "person", "outcome", "from", "to")
_FIELDS = {"entity": "entity_id", "person": "user_id"}


class Command(OperatorCommand):
    help = "Make an evidence pack of audit entries: a ZIP that can be checked without this program."
    permission = Permission.EXPORT_TRAIL

    def add_options(self, parser: ArgumentParser) -> None:
        scopes = parser.add_mutually_exclusive_group()
        for scope in SCOPES:
            scopes.add_argument(f"--{scope}", metavar="ID", help=f"everything about this {scope}")
        for name in _SEARCHED:
            parser.add_argument(f"--{name}", default="", help="narrows the search")
        parser.add_argument("--output", metavar="FILE", help="copy the pack there")

    def act(self, call: Call) -> Done:
        form = _form(call)
        if not form.is_valid():
            raise form.refusal()
        order = export_order(order_id=form.request_id, parameters=form.parameters())
        job = self.finished(services.order_job(order, actor=call.actor, at=call.at))
        path = pack_path(job)
        if call["output"]:
            path = _copied(path, Path(call["output"]))
        result = dict(job.result or {})
        sentence = f"{path}: complete, {result['rows']:,} entries, SHA-256 {result['sha256']}."
        return Done(sentence=sentence, data={"file": str(path), "job": job.id, **result})


def _copied(pack: Path, target: Path) -> Path:
    try:
        return Path(shutil.copyfile(pack, target))
    except OSError as error:
        told = f"{pack} is made, and cannot be copied to {target}: {error.strerror}."
        raise Failed(told) from error


def _form(call: Call) -> ExportForm:
    """The page's own form, filled in by options."""
    scope = next((each for each in SCOPES if call[each]), SEARCH)
    empty = ExportForm(username=call.actor.id, at=call.at)
    given = QueryDict(mutable=True)
    given.update({_FIELDS.get(name, name): call[name] for name in _SEARCHED})
    given.update({"scope": scope, "about": call.options.get(scope) or ""})
    given["request_id"] = empty.initial["request_id"]
    return ExportForm(given, username=call.actor.id, at=call.at)
