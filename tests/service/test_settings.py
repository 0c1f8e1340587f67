"""The App's settings, from the environment and from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from repairbot.service.settings import Settings, SettingsError, place

KEY = "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----"
FULL = {"APP_ID": "12", "PRIVATE_KEY": KEY, "WEBHOOK_SECRET": "hush"}


def test_the_names_of_probot_are_read_with_its_defaults() -> None:
    held = Settings.of(FULL)
    assert (held.app, held.key, held.secret) == (12, KEY, "hush")
    assert (held.host, held.port, held.database) == ("localhost", 3000, "")
    assert held.site.api == "https://api.github.com"


def test_secrets_may_stand_in_files_and_a_key_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(KEY + "\n")
    (tmp_path / "secret").write_text("hush\n")
    files = {"PRIVATE_KEY_PATH": str(tmp_path / "key.pem"), "WEBHOOK_SECRET_FILE": str(tmp_path / "secret")}
    assert Settings.of({"APP_ID": "12", **files}) == Settings.of(FULL)
    assert Settings.of({**FULL, "PRIVATE_KEY": KEY.replace("\n", "\\n")}) == Settings.of(FULL)


def test_secrets_are_not_printed() -> None:
    shown = repr(Settings.of({**FULL, "DATABASE_URL": "postgresql://me:word@db/app"}))
    assert not any(secret in shown for secret in ("hush", "c2VjcmV0", "word"))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"APP_ID": ""}, "not set: APP_ID"),
        ({"APP_ID": "hush"}, "APP_ID must be a whole number"),
        ({"PORT": "70000"}, "PORT must be"),
        ({"PRIVATE_KEY": "hush"}, "PRIVATE_KEY is no key"),
        ({"DATABASE_URL": "mysql://hush"}, "DATABASE_URL is no PostgreSQL address"),
        (
            {"WEBHOOK_SECRET": "", "WEBHOOK_SECRET_FILE": "/nowhere/hush"},
            "WEBHOOK_SECRET_FILE names cannot be read",
        ),
    ],
)
def test_what_is_wrong_is_said_without_the_value(wrong: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        Settings.of({**FULL, **wrong})
    assert "hush" not in str(caught.value)


def test_where_files_are_kept() -> None:
    assert place({"REPAIRBOT_HOME": "/a", "STATE_DIRECTORY": "/b"}) == (Path("/a"), "")
    assert place({"STATE_DIRECTORY": "/b:/c", "DATABASE_URL": "postgres://h/d"}) == (
        Path("/b"),
        "postgres://h/d",
    )
    assert place({})[0].name == "repairbot"
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        place({"DATABASE_URL": "sqlite:///x"})
