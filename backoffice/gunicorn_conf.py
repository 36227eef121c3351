"""How gunicorn serves the pages; the address is given on its command line."""

import os
import shutil
import tempfile
from typing import Any

from backoffice.logs import LOGGING
from backoffice.management.parent import end_with_parent

wsgi_app = "backoffice.wsgi:application"
worker_class = "gthread"
workers = 2
threads = 8
graceful_timeout = 20
"""Seconds for requests under way when it is told to end: more than a transfer may take."""
loglevel = "warning"
logconfig_dict = LOGGING
control_socket_disable = True
forwarded_allow_ips = ""
"""Who may speak for a client is decided in ``backoffice.middleware``, for all servers alike."""


_figures = tempfile.mkdtemp(prefix="backoffice-figures-")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _figures


def on_starting(_arbiter: Any) -> None:
    """End with the run that started the server, even where that was killed."""
    end_with_parent(os.getppid())


def on_exit(_arbiter: Any) -> None:
    shutil.rmtree(_figures, ignore_errors=True)
