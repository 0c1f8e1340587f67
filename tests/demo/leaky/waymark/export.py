"""Reports go out: to a database, to a file, over a socket."""

import csv
import json
import socket
import sqlite3
from collections.abc import Iterable
from pathlib import Path

Row = tuple[str, float]


def totals(database: str, table: str) -> dict[str, float]:
    """The sum for each agent."""
    connection = sqlite3.connect(database)
    rows = connection.execute(f"select agent, sum(seconds) from {table} group by agent").fetchall()
    connection.close()
    return dict(rows)


def store(database: str, rows: Iterable[Row]) -> None:
    """Add rows to the table of answers."""
    with sqlite3.connect(database) as connection:
        connection.execute("create table if not exists answers (agent text, seconds real)")
        connection.executemany("insert into answers values (?, ?)", rows)


def load_settings(path: str) -> dict[str, object]:
    """The exporter's settings."""
    return json.loads(open(path).read())


def write_csv(path: str, rows: Iterable[Row]) -> int:
    """Write rows to a file; returns how many."""
    out = open(path, "w", newline="")
    writer = csv.writer(out)
    count = 0
    for agent, seconds in rows:
        if seconds < 0:
            raise ValueError(f"{agent} answered before it was asked")
        writer.writerow([agent, f"{seconds:.3f}"])
        count += 1
    out.close()
    return count


def send(host: str, port: int, report: dict[str, float]) -> bool:
    """Send a report as one line of JSON; whether it was taken."""
    channel = socket.create_connection((host, port), timeout=5)
    channel.sendall(json.dumps(report).encode() + b"\n")
    answer = channel.recv(16)
    if not answer:
        return False
    channel.close()
    return answer.startswith(b"ok")


def export_all(database: str, folder: Path, host: str, port: int) -> bool:
    """Write the totals beside the database and send them."""
    report = totals(database, "answers")
    write_csv(str(folder / "totals.csv"), sorted(report.items()))
    return send(host, port, report)
