"""A real Tryton for the tests: out of process, in an environment of its own, from a database that was prepared once."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lifeline import dies_with_its_parent

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv-tryton" / "bin"
SCRIPTS = Path(__file__).parent / "tryton"
PREPARED = ROOT / "build" / "tryton"
DATABASE = "northwind"
ADMINISTRATOR = "the administrator's own, for tests"
CONNECTOR = "the connector's own, for tests"
METHOD = "Deposit tokens"
MODULES = ("sale", "purchase", "account_invoice_stock", "pyjpm_bridge")
_UP_WITHIN = 60.0


def _configuration(folder: Path, port: int = 0, notices: str = "", secret: Path | None = None) -> Path:
    path = folder / "trytond.conf"
    lines = ["[database]", "uri = sqlite://", f"path = {folder}", "[web]", f"listen = 127.0.0.1:{port}"]
    if secret is not None:
        lines += ["[pyjpm_bridge]", f"url = {notices}", f"secret_file = {secret}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def prepared() -> Path:
    """A database with a company, a product and stock: made once, and again when what it is made of has changed."""
    module = [path for path in (ROOT / "examples" / "tryton" / "module" / "pyjpm_bridge").iterdir() if path.is_file()]
    sources = [*sorted(module), SCRIPTS / "prepare.py", SCRIPTS / "requirements.txt"]
    content = b"".join(path.read_bytes() for path in sources)
    # With the year, whose fiscal year it has.
    made = PREPARED / f"{time.strftime('%Y')}-{hashlib.sha256(content).hexdigest()[:16]}.sqlite"
    PREPARED.mkdir(parents=True, exist_ok=True)
    with (PREPARED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _prepare(made)
    return made


def _prepare(made: Path) -> None:
    folder = PREPARED / f"making-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        configuration, database = _configuration(folder), folder / f"{DATABASE}.sqlite"
        database.touch()
        password = folder / "password"
        password.write_text(ADMINISTRATOR, encoding="utf-8")
        administer = [BIN / "trytond-admin", "-c", configuration, "-d", DATABASE]
        first = [*administer, "--email", "admin@example.com", "-p", "-u", *MODULES, "--activate-dependencies"]
        _run(first, TRYTONPASSFILE=str(password))
        _run([BIN / "python", SCRIPTS / "prepare.py", configuration, DATABASE])
        # Whole in one file: without the log that SQLite keeps beside it.
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("VACUUM INTO ?", [str(folder / "whole")])
        for outdated in PREPARED.glob("*.sqlite"):
            outdated.unlink()
        os.replace(folder / "whole", made)
    finally:
        shutil.rmtree(folder)


def _run(command: list[Any], **environment: str) -> None:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TrytonServer:
    """One Tryton in one folder, on one port, that can be stopped and started again.

    Args:
        notices: where its module posts what was shipped; nowhere if empty.
    """

    def __init__(self, folder: Path, *, notices: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(prepared(), folder / f"{DATABASE}.sqlite")
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.secret = folder / "secret"
        self.secret.write_text(secrets.token_hex(32), encoding="ascii")
        self.password_file = folder / "connector-password"
        self.password_file.write_text(CONNECTOR + "\n", encoding="utf-8")
        self.password_file.chmod(0o600)
        self.secret.chmod(0o600)
        self._configuration = _configuration(folder, self.port, notices, self.secret if notices else None)
        self._process: subprocess.Popen[bytes] | None = None
        self._clerk: subprocess.Popen[str] | None = None

    def start(self) -> None:
        log = (self.folder / "trytond.log").open("ab")
        with log:
            command = [str(BIN / "trytond"), "-c", str(self._configuration), "-d", DATABASE]
            self._process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, preexec_fn=dies_with_its_parent
            )
        deadline = time.monotonic() + _UP_WITHIN
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "trytond.log").read_text()
            assert time.monotonic() < deadline, "Tryton did not come up"
            time.sleep(0.05)

    def stop(self) -> None:
        self._end_clerk()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)
            self._process = None

    def cron(self) -> None:
        """What Tryton does every minute, now."""
        _run([BIN / "trytond-cron", "-c", self._configuration, "-d", DATABASE, "--once"])

    def clerk(self, verb: str, *arguments: Any) -> Any:
        """What a person does at Tryton: see tryton/clerk.py."""
        if self._clerk is None:
            command = [str(BIN / "python"), str(SCRIPTS / "clerk.py"), f"{self.url}/{DATABASE}/rpc/", "admin"]
            log = (self.folder / "clerk.log").open("a")
            with log:
                self._clerk = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    preexec_fn=dies_with_its_parent,
                )
            self._tell(ADMINISTRATOR)
        self._tell(json.dumps([verb, *arguments]))
        assert self._clerk.stdout is not None
        answer = self._clerk.stdout.readline()
        assert answer, f"{verb}: {(self.folder / 'clerk.log').read_text()}"
        return json.loads(answer)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _tell(self, line: str) -> None:
        assert self._clerk is not None
        assert self._clerk.stdin is not None
        self._clerk.stdin.write(line + "\n")
        self._clerk.stdin.flush()

    def _end_clerk(self) -> None:
        if self._clerk is not None:
            clerk, self._clerk = self._clerk, None
            clerk.communicate(timeout=30)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        body = json.dumps({"id": 0, "method": "common.server.version", "params": []})
        try:
            connection.request("POST", "/rpc/", body, {"Content-Type": "application/json"})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
