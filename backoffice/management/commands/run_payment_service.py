"""`manage.py run_payment_service`: the HTTP service for programs, on this machine."""

import threading
from contextlib import ExitStack

from django.conf import settings

from backoffice.management.serving import ServingCommand, serve_figures
from payments.http.server import Server
from payments.lambda_handler import handler

SIGNAL_SECONDS = 0.5
"""How long a signal may go unnoticed: one caught by a thread that starts another wakes nobody."""


class Command(ServingCommand):
    help = "Serve the Lambda handler over HTTP on this machine until Ctrl-C."
    port_variable = "SERVICE_PORT"

    def serve(self, ends: ExitStack) -> None:
        serve_figures()
        server = Server(self.port, handler, development=settings.DEVELOPMENT)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        ends.callback(server.stop)
        self.say(
            f"The payment service is at http://127.0.0.1:{self.port}/ and Ctrl-C stops it."
            + ("\nName yourself by `Authorization: Bearer dev-NAME`." * settings.DEVELOPMENT)
        )
        while serving.is_alive():
            serving.join(SIGNAL_SECONDS)
