"""What start-up takes from the environment, and what it refuses to start with."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "DJANGO_DEBUG": "false",
    "DJANGO_SECRET_KEY": "0123456789" * 6,
    "DJANGO_ALLOWED_HOSTS": "office.example",
    "CURSOR_SIGNING_KEY": "c" * 40,
    "MFA_SEED_KEY": "m" * 40,
}
SHOW = """
from backoffice import settings as s
print(s.SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_NAME, s.MESSAGE_COOKIE_NAME)
print(s.DYNAMODB_ENDPOINT_URL or "AWS", s.DYNAMODB_EMBEDDED, s.DEBUG, s.ALLOWED_HOSTS)
"""
NUMBERS = """
import django
django.setup()
from payments.policy import policy
print(policy().approval_threshold_minor("JPY"), policy().approval_time, policy().lock)
"""


TABLES = """
import django, importlib, pkgutil
import audit, backoffice, payments
from dynamodb.tables import all_records
django.setup()
declared = {record.__name__ for record in all_records()}
for package in (audit, backoffice, payments):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.endswith(("gunicorn_conf", "wsgi")):
            importlib.import_module(found.name)
print({record.__name__ for record in all_records()} - declared)
"""
STATIC = """
import sys, django
django.setup()
from django.conf import settings
from django.core.management import call_command
from django.templatetags.static import static
from django.test import Client
settings.STATIC_ROOT = sys.argv[1]
call_command("collectstatic", interactive=False, verbosity=0)
url = static("backoffice/backoffice.css")
asked = {"host": "office.example", "accept-encoding": "gzip"}
answer = Client().get(url, secure=True, headers=asked)
print(url, answer.status_code, answer.headers["Content-Encoding"], answer.headers["Cache-Control"])
"""


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_names_everything_that_is_missing_at_once() -> None:
    ended = python("manage.py", "check", DJANGO_DEBUG="false", **dict.fromkeys(
        ["DJANGO_SECRET_KEY", "DJANGO_ALLOWED_HOSTS", "CURSOR_SIGNING_KEY", "MFA_SEED_KEY"], ""
    ))  # fmt: skip
    assert ended.returncode == 1
    (sentence,) = ended.stderr.splitlines()
    names = "DJANGO_ALLOWED_HOSTS, DJANGO_SECRET_KEY, MFA_SEED_KEY, CURSOR_SIGNING_KEY"
    assert names in sentence


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DJANGO_SECRET_KEY", "development-only-" + "k" * 50),
        ("DJANGO_SECRET_KEY", "k" * 31),
        ("CURSOR_SIGNING_KEY", "development-only-cursors"),
        ("MFA_SEED_KEY", "m" * 31),
        ("MFA_REQUIRED", "false"),
        ("METRICS_TOKEN", "t" * 31),
        ("DEMO_PASSWORD", "demo-only-2026!"),
        ("DJANGO_ALLOWED_HOSTS", "office.example,*"),
    ],
)
def test_production_refuses_what_is_unsafe_and_names_it_with_the_rest(
    name: str, value: str
) -> None:
    missing = "DJANGO_ALLOWED_HOSTS" if name == "DJANGO_SECRET_KEY" else "DJANGO_SECRET_KEY"
    ended = python("manage.py", "check", **PRODUCTION | {name: value, missing: ""})
    assert ended.returncode == 1
    (sentence,) = ended.stderr.splitlines()
    assert f"Not set: {missing}." in sentence
    assert f"Not safe: {name} (" in sentence
    if name.endswith("KEY"):
        assert value not in sentence


def test_production_passes_djangos_check_for_deployment_without_a_warning() -> None:
    ended = python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "no issues (0 silenced)" in ended.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eight"),
        ("DYNAMODB_LOCAL_PORT", "65536"),
        ("DJANGO_TRUSTED_PROXIES", "10.0.0.1,nonsense"),
        ("APPROVAL_THRESHOLD", "10,000"),
        ("ACCOUNT_LOCK_MINUTES", "-5"),
        ("ROLE_LIMITS", "teller=5,000/"),
        ("ROLE_LIMITS", "teller/EURO=5/5"),
        ("ROLE_LIMITS", "teller=5/5,teller=6/6"),
        ("ROLE_LIMITS", "teler=5/5"),
        ("MFA_REQUIRED", "ture"),
    ],
)
def test_a_value_of_the_wrong_shape_is_one_sentence(name: str, value: str) -> None:
    ended = python("manage.py", "check", **{name: value})
    assert ended.returncode == 1
    (sentence,) = ended.stderr.splitlines()
    assert sentence.startswith(name)


def test_production_guards_its_cookies_and_works_on_aws() -> None:
    shown = python("-c", SHOW, **PRODUCTION, DYNAMODB_ENDPOINT_URL="").stdout.splitlines()
    assert shown == [
        "__Host-sessionid True __Host-csrftoken __Host-messages",
        "AWS False False ['office.example']",
    ]


@pytest.mark.parametrize(
    ("environment", "is_required"),
    [
        (PRODUCTION, "True"),
        ({**PRODUCTION, "MFA_REQUIRED": ""}, "True"),
        ({}, "False"),
        ({"MFA_REQUIRED": "true"}, "True"),
    ],
)
def test_a_second_factor_is_compulsory_in_production(
    environment: dict[str, str], is_required: str
) -> None:
    told = python("-c", "from backoffice.settings import *; print(MFA_REQUIRED)", **environment)
    assert told.stdout.strip() == is_required


def test_every_table_is_declared_at_start() -> None:
    assert python("-c", TABLES, DJANGO_SETTINGS_MODULE="backoffice.settings").stdout == "set()\n"


def test_development_needs_nothing() -> None:
    environment = {"DJANGO_DEBUG": "true", "DYNAMODB_LOCAL_PORT": "8123"}
    embedded = {"DYNAMODB_ENDPOINT_URL": "http://127.0.0.1:8123"}
    shown = python("-c", SHOW, **environment, **embedded).stdout.splitlines()
    assert shown == [
        "sessionid False csrftoken messages",
        "http://127.0.0.1:8123 True False ['localhost', '127.0.0.1', '[::1]']",
    ]


def test_the_numbers_that_money_moves_by_are_set_at_start() -> None:
    settings = {"DJANGO_SETTINGS_MODULE": "backoffice.settings", "APPROVAL_THRESHOLD": "50000"}
    shown = python("-c", NUMBERS, **settings, APPROVAL_HOURS="2", ACCOUNT_LOCK_MINUTES="").stdout
    assert shown.split() == ["500", "2:00:00", "0:30:00"]


def test_static_files_of_production_are_named_by_content_compressed_and_kept_for_good(
    tmp_path: Path,
) -> None:
    module = {"DJANGO_SETTINGS_MODULE": "backoffice.settings"}
    told = python("-c", STATIC, str(tmp_path), **PRODUCTION, **module)
    url, status, encoding, kept = told.stdout.split(maxsplit=3)
    assert re.fullmatch(r"/static/backoffice/backoffice\.[0-9a-f]{12}\.css", url)
    assert (status, encoding) == ("200", "gzip")
    assert kept.strip() == "max-age=315360000, public, immutable"
