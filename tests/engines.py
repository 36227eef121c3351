"""DynamoDB Local for tests: on a free port, gone after the run, even after one that was killed."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dynamodb import local

ROOT = Path(__file__).resolve().parent.parent

# Whoever holds the other end of this pipe, and however it ends: then the engine ends too.
CLEAN_UP = """
import shutil, sys
from pathlib import Path
from dynamodb import local
sys.stdin.read()
local.stop(Path(sys.argv[1]))
shutil.rmtree(sys.argv[1])
"""


@contextmanager
def throwaway_engine(*, in_memory: bool = True) -> Iterator[local.Engine]:
    """An engine of its own, in memory or with a data folder that is removed afterwards."""
    data_dir = Path(tempfile.mkdtemp(prefix="backoffice-engine-"))
    cleaner = subprocess.Popen(
        [sys.executable, "-c", CLEAN_UP, str(data_dir)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        lease = local.start(data_dir, local.free_port(), in_memory=in_memory)
        try:
            yield lease.engine
        finally:
            lease.release()
    finally:
        cleaner.communicate()
