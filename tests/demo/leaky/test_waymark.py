"""Waymark's own tests: what must still hold when its leaks are repaired."""

import asyncio
import json
import socket
import threading
from pathlib import Path

import pytest

from waymark.contributions import ContributionLog
from waymark.events import Dashboard, EventBus
from waymark.export import export_all, load_settings, send, store, totals, write_csv
from waymark.health import HealthMonitor
from waymark.profiles import ProfileService, normalise
from waymark.server import Server


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        received: list[bytes] = []

        def answer() -> None:
            peer, _ = server.accept()
            with peer:
                received.append(peer.recv(4096))
                peer.sendall(b"ok")

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1], received
        thread.join(timeout=5)


def test_the_mean_of_the_last_hundred_answers():
    monitor = HealthMonitor()
    for _ in range(500):
        monitor.record("a", 9.0, depth=3)
    for _ in range(100):
        monitor.record("a", 1.0, depth=1)
    assert monitor.latency("a") == 1.0
    assert monitor.pressure("a") == 1
    assert not monitor.unwell("a")
    assert monitor.requests == 600


def test_the_failures():
    monitor = HealthMonitor()
    assert monitor.failures("a") == []
    monitor.record_error("a", "timeout")
    monitor.record_error("a", "refused")
    assert monitor.failures("a") == ["timeout", "refused"]


def test_a_snapshot_counts_the_unwell():
    monitor = HealthMonitor(history_window=2)
    monitor.record("slow", 5.0, depth=0)
    monitor.record("quick", 0.1, depth=0)
    for now in (1.0, 2.0, 3.0):
        monitor.snapshot(now)
    assert [(seen.at, seen.healthy, seen.unwell) for seen in monitor.history] == [(2.0, 1, 1), (3.0, 1, 1)]


def test_totals_are_stored_and_read(tmp_path: Path):
    database = str(tmp_path / "answers.db")
    store(database, [("a", 1.0), ("b", 2.0), ("a", 0.5)])
    assert totals(database, "answers") == {"a": 1.5, "b": 2.0}


def test_rows_are_written(tmp_path: Path):
    path = tmp_path / "rows.csv"
    assert write_csv(str(path), [("a", 1.0), ("b", 0.25)]) == 2
    assert path.read_text().splitlines() == ["a,1.000", "b,0.250"]
    with pytest.raises(ValueError, match="before it was asked"):
        write_csv(str(path), [("a", -1.0)])


def test_settings_are_read(tmp_path: Path):
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"port": 9}))
    assert load_settings(str(path)) == {"port": 9}


def test_a_report_is_sent(listener):
    port, received = listener
    assert send("127.0.0.1", port, {"a": 1.5})
    assert json.loads(received[0]) == {"a": 1.5}


def test_everything_is_exported(tmp_path: Path, listener):
    port, received = listener
    database = str(tmp_path / "answers.db")
    store(database, [("a", 1.0)])
    assert export_all(database, tmp_path, "127.0.0.1", port)
    assert (tmp_path / "totals.csv").read_text().splitlines() == ["a,1.000"]
    assert json.loads(received[0]) == {"a": 1.0}


def test_profiles_are_fetched_once():
    asked: list[str] = []

    def fetch(session_id: str) -> dict[str, str]:
        asked.append(session_id)
        return {"name": session_id}

    service = ProfileService(fetch)
    assert service.profile("s1") == service.profile("s1") == {"name": "s1"}
    assert asked == ["s1"]
    assert normalise("  The  Agent ") == "the agent"


def test_contributions_survive(tmp_path: Path):
    path = tmp_path / "log.json"
    log = ContributionLog(path)
    for number in range(1500):
        log.contributions.append({"agent": "a", "what": str(number)})
    log.add("b", "docs")
    again = ContributionLog(path)
    assert again.of("b") == ["docs"]
    assert len(again.of("a")) == 1500


def test_a_dashboard_shows_events():
    bus = EventBus()
    board = Dashboard(bus)
    bus.emit("unwell", "a")
    bus.emit("recovered", "a")
    assert board.lines == ["a is unwell", "a is well again"]
    board.close()
    bus.emit("unwell", "a")
    assert len(board.lines) == 2


def test_the_server_looks_and_stops(tmp_path: Path):
    async def life() -> list[str]:
        server = Server(tmp_path / "log", interval=0.01)
        board = Dashboard(server.bus)
        server.monitor.record("a", 9.0, depth=0)
        server.start()
        await asyncio.sleep(0.05)
        server.close()
        return board.lines

    assert asyncio.run(life()) == ["a is unwell"]
