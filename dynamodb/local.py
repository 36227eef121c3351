"""The embedded DynamoDB Local: started, found again and stopped, on this machine's loopback only.

A data folder has one engine at most. The engine itself holds the lock on its folder for as long as
it lives, so a folder that is locked is served, whatever became of the run that started it. Runs
that use an engine share a second lock, and the last of them stops it.
"""

import fcntl
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from dynamodb.local_install import LOOPBACK, find_java, install_engine, said_if_unwritable
from dynamodb.probe import EngineError, answers, require_transactions

__all__ = ["Engine", "EngineError", "Lease", "answers", "find", "free_port", "is_port_free"]
__all__ += ["require_transactions", "start", "stop"]

HOST = "127.0.0.1"
READY_SECONDS = 60.0
GRACE_SECONDS = 10.0
LOCK, USERS, STATE, LOG = "engine.lock", "engine.users", "engine.json", "engine.log"
MAIN_CLASS = "software.amazon.dynamodb.services.local.main.ServerRunner"

_children: dict[int, subprocess.Popen[bytes]] = {}
"""The engines that this process started, kept to take note of their end."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A running engine, as the state file in its folder describes it."""

    data_dir: Path
    port: int
    pid: int
    started: str
    """UTC, RFC 3339."""
    kept: bool = False
    """Asked for by itself, not by a run: only ``stop`` ends it."""

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def is_alive(self) -> bool:
        """Whether the process is this folder's engine and not a later one of the same id."""
        return f"{_marker(self.data_dir)} " in f"{_command_line(self.pid)} "

    def save(self) -> None:
        state = asdict(self) | {"data_dir": str(self.data_dir)}
        unfinished = self.data_dir / f"{STATE}.new"
        unfinished.write_text(json.dumps(state) + "\n")
        unfinished.replace(self.data_dir / STATE)

    @classmethod
    def load(cls, data_dir: Path) -> Self | None:
        try:
            return cls(**json.loads((data_dir / STATE).read_text()) | {"data_dir": data_dir})
        except (OSError, ValueError, TypeError):
            return None


@dataclass(frozen=True, kw_only=True)
class Lease:
    """One run's use of an engine, from ``start`` to ``release``."""

    engine: Engine
    how: str
    """A sentence on how it was come by: started, found running, or left by a killed run."""
    users_lock: int

    def release(self) -> bool:
        """Stop the engine unless it is kept or another run still uses it; say whether it was."""
        try:
            engine = find(self.engine.data_dir)
            if engine is None or engine.kept or not _lock(self.users_lock, fcntl.LOCK_EX):
                return False
            return stop(engine.data_dir)
        finally:
            os.close(self.users_lock)


def start(data_dir: Path, port: int, *, in_memory: bool = False, keep: bool = False) -> Lease:
    """Give a run its engine on ``port``: the one that serves ``data_dir`` already, else a new one.

    An engine that a killed run left behind is used again, or replaced where it does not answer on
    that port. With ``keep`` the engine outlives every run until ``stop``. ``in_memory`` keeps no
    records; the folder then holds the locks and the log only.

    Raises ``EngineError`` with one sentence where it cannot be had.
    """
    data_dir = data_dir.resolve()
    users_lock = _open(data_dir, USERS)
    try:
        alone = _lock(users_lock, fcntl.LOCK_EX)
        fcntl.flock(users_lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        engine, how = _find_or_launch(data_dir, port, in_memory=in_memory, alone=alone)
        if keep and not engine.kept:
            engine = replace(engine, kept=True)
            engine.save()
        fcntl.flock(users_lock, fcntl.LOCK_SH)
    except BaseException:
        os.close(users_lock)
        raise
    return Lease(engine=engine, how=how, users_lock=users_lock)


def find(data_dir: Path) -> Engine | None:
    """The live engine of a folder, or none; ``answers`` tells whether it is well."""
    engine = Engine.load(data_dir.resolve())
    return engine if engine is not None and engine.is_alive() else None


def stop(data_dir: Path) -> bool:
    """End the engine of a folder, by force after a grace time; say whether there was one.

    Raises ``EngineError`` where it does not end.
    """
    engine = find(data_dir)
    if engine is None:
        return False
    if not any(_end(engine, number) for number in (signal.SIGTERM, signal.SIGKILL)):
        raise EngineError(f"The engine of {data_dir} (process {engine.pid}) does not end.")
    (engine.data_dir / STATE).unlink(missing_ok=True)
    return True


def is_port_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that was free a moment ago, for tests; not one that the system gives to clients."""
    drawn = random.SystemRandom()
    while not is_port_free(port := drawn.randrange(20_000, 32_000)):
        pass
    return port


def _find_or_launch(
    data_dir: Path, port: int, *, in_memory: bool, alone: bool
) -> tuple[Engine, str]:
    lock = _open(data_dir, LOCK)
    try:
        if _lock(lock, fcntl.LOCK_EX):
            return _launch(data_dir, port, in_memory=in_memory, lock=lock)
        engine = find(data_dir)
        if engine is None:
            raise EngineError(f"Another program holds {data_dir / LOCK}: end it and try again.")
        at = f"at {engine.endpoint_url} (process {engine.pid})"
        left = alone and not engine.kept
        if engine.port == port and _within(GRACE_SECONDS, lambda: answers(engine.endpoint_url)):
            found = "A killed run left DynamoDB Local" if left else "DynamoDB Local already runs"
            return engine, f"{found} {at}: using it."
        if not left:
            raise EngineError(
                f"{data_dir} is already served {at} and two engines would spoil it: stop that one "
                f"first, with `make dynamodb-down`, or set DYNAMODB_LOCAL_PORT={engine.port}."
            )
        stop(data_dir)
        fcntl.flock(lock, fcntl.LOCK_EX)
        launched, how = _launch(data_dir, port, in_memory=in_memory, lock=lock)
        return launched, f"Ended the DynamoDB Local that a killed run left {at}. {how}"
    finally:
        os.close(lock)


def _launch(data_dir: Path, port: int, *, in_memory: bool, lock: int) -> tuple[Engine, str]:
    """Start an engine that inherits the lock, and wait until it answers."""
    if not is_port_free(port):
        raise EngineError(
            f"Port {port} is in use by another program: end it or set DYNAMODB_LOCAL_PORT."
        )
    command = _command(data_dir, port, in_memory=in_memory)
    with said_if_unwritable(data_dir), (data_dir / LOG).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own words
            command,
            cwd=data_dir,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(lock,),
            start_new_session=True,  # Ctrl-C is for the run, which then stops the engine
        )
    try:
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        engine = Engine(data_dir=data_dir, port=port, pid=process.pid, started=started)
        engine.save()
        _wait_until_ready(process, engine)
    except BaseException:
        process.kill()
        process.wait()
        raise
    _children[process.pid] = process
    where = "in memory" if in_memory else f"data in {data_dir}"
    how = f"DynamoDB Local is up at {engine.endpoint_url} (process {engine.pid}, {where})."
    return engine, how


def _command(data_dir: Path, port: int, *, in_memory: bool) -> list[str]:
    home, java = install_engine(), find_java()
    loopback_only = [
        "-Djava.net.preferIPv4Stack=true",
        "-Djava.nio.channels.spi.SelectorProvider=LoopbackSelectorProvider",
        "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
    ]
    return [
        *(java.program, "-Xmx512m", *java.quiet, *loopback_only, _marker(data_dir)),
        f"-Djava.library.path={home / 'DynamoDBLocal_lib'}",
        *("-cp", f"{home / 'DynamoDBLocal.jar'}:{LOOPBACK}", MAIN_CLASS),
        *("-sharedDb", "-disableTelemetry", "-port", str(port)),
        *(("-inMemory",) if in_memory else ("-dbPath", str(data_dir))),
    ]


def _marker(data_dir: Path) -> str:
    return f"-Dbackoffice.data={data_dir}"


def _wait_until_ready(process: subprocess.Popen[bytes], engine: Engine) -> None:
    def ready_or_ended() -> bool:
        return process.poll() is not None or answers(engine.endpoint_url)

    log = engine.data_dir / LOG
    if not _within(READY_SECONDS, ready_or_ended):
        raise EngineError(f"DynamoDB Local does not answer; its words are in {log}.")
    if process.poll() is not None:
        raise EngineError(f"DynamoDB Local ended at once; its words are in {log}.")


def _end(engine: Engine, number: signal.Signals) -> bool:
    if engine.is_alive():
        os.kill(engine.pid, number)
    gone = _within(GRACE_SECONDS, lambda: not engine.is_alive())
    if gone and (child := _children.pop(engine.pid, None)):
        child.wait()
    return gone


def _within(seconds: float, happened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _open(data_dir: Path, name: str) -> int:
    with said_if_unwritable(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        return os.open(data_dir / name, os.O_RDWR | os.O_CREAT, 0o600)


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _command_line(pid: int) -> str:
    """What a process was started with, or nothing if there is none."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        except OSError:
            return ""
    ps = [shutil.which("ps") or "/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - a number
