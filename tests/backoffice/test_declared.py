"""Every command knows every table."""

import subprocess
import sys

from tests.engines import ROOT

WHAT_IS_MISSED = """
import django, pkgutil, importlib
django.setup()
from dynamodb.tables import all_records
known = set(all_records())
import audit, backoffice, payments
for package in (audit, backoffice, payments):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("gunicorn_conf"):
            importlib.import_module(module.name)
print(*(record.__name__ for record in all_records() if record not in known))
"""


def test_every_table_is_known_once_django_is_set_up() -> None:
    python = [
        sys.executable,
        "-c",
        "import os;os.environ['DJANGO_SETTINGS_MODULE']='backoffice.settings'" + WHAT_IS_MISSED,
    ]
    said = subprocess.run(python, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.strip() == ""
