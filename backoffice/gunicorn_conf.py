"""How gunicorn serves the pages; the address is given on its command line."""

import os
from typing import Any

from backoffice.logs import LOGGING
from backoffice.management.parent import end_with_parent

wsgi_app = "backoffice.wsgi:application"
worker_class = "gthread"
workers = 2
threads = 8
graceful_timeout = 10
"""Seconds for requests under way when it is told to end."""
loglevel = "warning"
logconfig_dict = LOGGING
control_socket_disable = True
forwarded_allow_ips = ""
"""Who may speak for a client is decided in ``backoffice.middleware``, for all servers alike."""


def on_starting(_arbiter: Any) -> None:
    """End with the run that started the server, even where that was killed."""
    end_with_parent(os.getppid())
