"""A PostgreSQL server of the tests' own, from Debian's package; gone with its process, files and socket when they end.

Decisions that govern this module:

* The server is the child of a keeper (this file, started as a script), which waits for the end of its standard input.
  However the tests end, SIGKILL included, the kernel closes that pipe; the keeper then stops the server and deletes
  its folder. Should the keeper itself be killed, the kernel ends the server.
* It listens on a socket in its folder, on no port. PostgreSQL refuses to run as root: then it runs as ``postgres``.
* Its settings are the safe ones, as a journal refuses others; where there is memory to write to, that costs nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

PREFIX: Final = "pyjpm-postgres-"
_USER: Final = "pyjpm"
_PORT: Final = 5432  # names the socket
_ROOM: Final = 1 << 29
_START_SECONDS: Final = 60
_PR_SET_PDEATHSIG: Final = 1


class PostgresServer:
    """A running server; ``stop`` it, or use it as a context.

    Attributes:
        folder: its files.
        pid: of the server.
        password: of its one role.
    """

    def __init__(self) -> None:
        self.password = secrets.token_hex(8)
        self._keeper = subprocess.Popen(
            [sys.executable, __file__, self.password],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # what a terminal sends to the tests ends it by the pipe, in order
        )
        assert self._keeper.stdout is not None
        said = self._keeper.stdout.readline().split()
        if len(said) != 2:
            self.stop()
            raise RuntimeError("PostgreSQL did not start; what it said is above.")
        self.folder, self.pid = Path(said[0]), int(said[1])
        self._made = 0

    def __enter__(self) -> PostgresServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop it and delete its files."""
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._keeper.stdin.close()
        self._keeper.wait(_START_SECONDS)
        self._keeper.stdout.close()

    def url(self, database: str, *, password: str | None = None) -> str:
        """The URL of a database of this server."""
        return f"postgresql://{_USER}:{password or self.password}@/{database}?host={self.folder}&port={_PORT}"

    def create(self, template: str = "template1") -> str:
        """Make a database and return its name. Nobody may be connected to the template."""
        self._made += 1
        name = f"test{self._made}"
        self.administer(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, database: str) -> None:
        """Delete a database, whoever is connected to it."""
        self.administer(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def dump(self, source: str, target: str) -> None:
        """Copy what is committed in a database into an empty one, while the first is used."""
        where = ["-h", str(self.folder), "-p", str(_PORT), "-U", _USER]
        environment = {**os.environ, "PGPASSWORD": self.password}
        programs = programs_folder()
        with subprocess.Popen(
            [programs / "pg_dump", *where, source], env=environment, stdout=subprocess.PIPE
        ) as dumping:
            subprocess.run(
                [programs / "psql", *where, "-q", "-X", "-v", "ON_ERROR_STOP=1", "-d", target],
                env=environment,
                stdin=dumping.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
            )
        assert dumping.returncode == 0

    def reload(self) -> None:
        """Have it read its configuration again, and wait until it did."""
        with self.connected() as connection:
            before = connection.execute("SELECT pg_conf_load_time()").fetchone()[0]
            connection.execute("SELECT pg_reload_conf()")
            while connection.execute("SELECT pg_conf_load_time()").fetchone()[0] == before:
                time.sleep(0.005)

    def restart(self) -> None:
        """End all connections at once, as a server does that crashes, and recover."""
        # To the one child that keeps the shared memory in order: a postmaster answers its violent end like a crash.
        with self.connected() as connection:
            victim = connection.execute("SELECT pg_backend_pid()").fetchone()[0]
            os.kill(victim, signal.SIGKILL)
        # Until the postmaster has heard of it, it still lets clients in, whom it then throws out.
        deadline = time.monotonic() + _START_SECONDS
        while Path(f"/proc/{victim}").exists():
            assert time.monotonic() < deadline, "the server did not take note of a child's end"
            time.sleep(0.002)
        self.await_ready()

    def await_ready(self) -> None:
        """Return once it lets clients in."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                with self.connected():
                    return
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def administer(self, statement: str) -> None:
        """Execute a statement outside of any transaction."""
        with self.connected() as connection:
            connection.execute(statement)

    @contextlib.contextmanager
    def connected(self, database: str = "postgres") -> Iterator[Any]:
        """A psycopg connection of the server's owner, without transactions."""
        import psycopg

        connection = psycopg.connect(self.url(database), autocommit=True)
        try:
            yield connection
        finally:
            connection.close()


# --- the keeper ------------------------------------------------------------------------------------------------------


def keep(password: str) -> None:
    """Run a server until standard input ends, or this process is asked to."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place()))
    server = None
    try:
        server = _started(folder, password)
        if server is not None:
            print(folder, server.pid, flush=True)
            sys.stdin.read()
    finally:
        if server is not None:
            _stop(server)
        shutil.rmtree(folder, ignore_errors=True)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)  # ends connections, writes what is left, stops
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait()


def _started(folder: Path, password: str) -> subprocess.Popen[bytes] | None:
    programs, data = programs_folder(), folder / "data"
    owner = _owner()
    if owner:
        os.chown(folder, owner["user"], owner["group"])
    log = folder / "log"
    (folder / "password").write_text(password)
    (folder / "password").chmod(0o644)
    with log.open("wb") as output:
        common: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": output,
            "stderr": output,
            "cwd": folder,
            **owner,
        }
        made = subprocess.run(
            [
                programs / "initdb",
                *("-D", data, "-U", _USER, "--auth=scram-sha-256", f"--pwfile={folder / 'password'}"),
                *("--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"),
            ],
            check=False,
            **common,
        )
        if made.returncode == 0:
            settings = {
                "listen_addresses": "",
                "port": _PORT,
                "unix_socket_directories": folder,
                "unix_socket_permissions": "0777",
                "max_connections": 200,
                "shared_buffers": "32MB",
                "autovacuum": "off",
                "restart_after_crash": "on",
                "log_checkpoints": "off",
            }
            options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *options], preexec_fn=_end_with_keeper, **common
            )
            if _accepts(programs, folder, server):
                return server
    sys.stderr.write(log.read_text(errors="replace"))
    return None


def _accepts(programs: Path, folder: Path, server: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        asked = [programs / "pg_isready", "-q", "-h", folder, "-p", str(_PORT)]
        if subprocess.run(asked, check=False).returncode == 0:
            return True
        time.sleep(0.02)
    server.kill()
    return False


def _end_with_keeper() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _owner() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def place() -> str | None:
    """Where its folder is made: in memory, where there is enough of it."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM:
        return str(memory)
    return None


def programs_folder() -> Path:
    """Where the server's programs are."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        sys.exit("There is no PostgreSQL here: make debian, or apt-get install postgresql.")
    return versions[-1].parent


if __name__ == "__main__":
    keep(sys.argv[1])
