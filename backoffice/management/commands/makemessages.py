"""``makemessages`` for what pages say, and for what the rooms below say, which know no Django."""

import ast
import re
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.commands import makemessages
from django.forms.utils import pretty_name

from audit.models import Chained
from backoffice.forms.fields import TypedForm
from backoffice.templatetags.backoffice import TONES, worded
from backoffice.urls import ADMIN, page_view
from backoffice.wording import FILE, OTHERS
from dynamodb.tables import descendants

_ROOMS = (
    "audit/verify.py", "dynamodb/cursors.py", "dynamodb/retries.py", "payments/accounts.py",
    "payments/alerts/cases.py", "payments/alerts/services.py", "payments/approvals.py",
    "payments/bulk/*.py", "payments/deciding.py", "payments/events/deliveries.py",
    "payments/lifecycle.py", "payments/money.py", "payments/refusals.py", "payments/requests.py",
    "payments/rules.py", "backoffice/holds/*.py",
    "backoffice/jobs/*.py", "backoffice/reviews/*.py", "backoffice/staff/*.py",
    "backoffice/forms/ids.py", "backoffice/numbers.py",
)  # fmt: skip
_SENTENCE = re.compile(r"(?:[A-Z]|\{\w+\}).*[a-z]{2}.* .*\.", re.DOTALL)
_ACTION = re.compile(
    r'"((?:access|account|address|alert|archive|audit|bulk|case|command|event|hold|job|payment|'
    r'person|report|request|review|seal|session|staff|trail)\.[a-z_]+)"'
)
_OF_NO_ACTIONS = {"permissions.py", "urls.py"}
"""What looks like one there is a permission or a view."""
_LOOK = re.compile(r'\b(view|search|export)ing="([a-z_]+)"')
_LOOKED = {"view": "viewed", "search": "searched", "export": "exported"}


class Command(makemessages.Command):
    help = "Gather all texts, bring the German catalogue up to date with them, and compile it."

    def handle(self, *_args: Any, **options: Any) -> None:
        FILE.write_text(gathered(), encoding="utf-8")
        source = settings.BASE_DIR / "backoffice" / "said.py"  # for xgettext, which reads programs
        source.write_text("".join(f"gettext_noop({each!r})\n" for each in gathered().splitlines()))
        chosen = {"locale": ["de"], "no_location": True, "no_wrap": True, "no_obsolete": True}
        ignored = [".venv*", "tests*", "node_modules*", "staticfiles*"]
        super().handle(**options | chosen | {"ignore_patterns": ignored})
        source.unlink()
        call_command("compilemessages", locale=["de"], ignore_patterns=ignored, verbosity=0)


def gathered() -> str:
    """All sentences, states, actions and labels that come from below, one a line."""
    for _, view, _ in ADMIN:
        page_view(view).found()  # type: ignore[attr-defined]  # and with it every form
    told = {*_sentences(), *_states(), *_actions(), *_labels(), *_tables(), *OTHERS, *TONES}
    return "".join(f"{each}\n" for each in sorted(told))


def _sentences() -> Iterator[str]:
    for room in _ROOMS:
        for path in settings.BASE_DIR.glob(room):
            yield from filter(_SENTENCE.fullmatch, _texts(path))


def _texts(path: Path) -> Iterator[str]:
    """Every text of a module but its docstrings; what is filled into one is ``{0}``, ``{1}``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    whole = [node for node in ast.walk(tree) if isinstance(node, ast.Expr | ast.JoinedStr)]
    parts = {id(part) for node in whole for part in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield _template(node)
        elif isinstance(node, ast.Constant) and id(node) not in parts:
            yield node.value if isinstance(node.value, str) else ""


def _template(text: ast.JoinedStr) -> str:
    places = iter(range(len(text.values)))
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else f"{{{next(places)}}}"
        for part in text.values
    )


def _tables() -> Iterator[str]:
    for path in settings.BASE_DIR.glob("backoffice/*.toml"):
        yield from _told(tomllib.loads(path.read_text(encoding="utf-8")))


def _told(told: Any) -> Iterator[str]:
    """Names, titles, terms and what is said about them, however deep."""
    for each in told if isinstance(told, list) else [told]:
        for key, value in each.items():
            if key == "terms":
                yield from (*value, *value.values())
            elif key in {"name", "title", "about", "done", "warning"}:
                yield value
            elif isinstance(value, list | dict):
                yield from _told(value)


def _states() -> Iterator[str]:
    for kind in descendants(StrEnum):
        if kind.__module__.startswith(("audit.", "payments.", "backoffice.")):
            values = [value for value in map(str, kind) if "." not in value]
            yield from values
            yield from (worded(value) for value in values if "_" in value)


def _actions() -> Iterator[str]:
    for path in settings.BASE_DIR.glob("*/**/*.py"):
        room = path.relative_to(settings.BASE_DIR).parts[0]
        if room in {"audit", "payments", "backoffice"} and path.name not in _OF_NO_ACTIONS:
            source = path.read_text(encoding="utf-8")
            yield from map(worded, _ACTION.findall(source))
            for done, what in _LOOK.findall(source):
                yield worded(f"{what}.{_LOOKED[done]}")


def _labels() -> Iterator[str]:
    """Of attributes that entries tell of, and of fields that have none of their own."""
    for model in descendants(Chained):
        names = model.get_attributes().keys() - model.unaudited - Chained.get_attributes().keys()
        yield from (worded(name.removesuffix("_id")) for name in names)
    for form in descendants(TypedForm):
        yield from (
            pretty_name(name) for name, field in form.base_fields.items() if not field.label
        )
