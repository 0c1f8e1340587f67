"""A PostgreSQL of the tests' own: made by initdb in a folder, on a free port of loopback, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.tools import find

USER = "postgres"


def _as_user() -> list[str]:
    """PostgreSQL refuses to run as root; Debian's package brings a user for it."""
    return ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []


def _run(*arguments: str) -> None:
    subprocess.run([*_as_user(), *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/")


@contextmanager
def running() -> Iterator[str]:
    """Its address, until the block is left."""
    initdb, control = find("initdb"), find("pg_ctl")
    assert initdb, "initdb is missing: Debian's package postgresql"
    assert control, "pg_ctl is missing: Debian's package postgresql"
    folder = Path(tempfile.mkdtemp(prefix="repairbot-pg-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        data = folder / "data"
        _run(initdb, "-D", str(data), "-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        with socket.create_server(("127.0.0.1", 0)) as held:
            port = held.getsockname()[1]
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        _run(control, "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://{USER}@127.0.0.1:{port}/postgres"
        finally:
            _run(control, "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
