"""Processes that end with the run that started them, even where that was killed."""

import os
import signal
import threading
import time


def end_with_parent(parent: int) -> None:
    """Send this process SIGTERM once it is no longer a child of ``parent``."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
