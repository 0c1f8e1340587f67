"""What the App is told by its environment, under the names that users of Probot know.

Every setting NAME may stand in a file in its place, which NAME_FILE names (Docker's and systemd's way with secrets);
the private key's file may also be named by PRIVATE_KEY_PATH. Source: probot.github.io/docs/configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

from repairbot.github.transport import Site
from repairbot.pool import processors

DEFAULT_HOST, DEFAULT_PORT = "localhost", 3000
_NEEDED: Final = ("APP_ID", "PRIVATE_KEY", "WEBHOOK_SECRET")


class SettingsError(Exception):
    """A setting is missing or makes no sense. One line for a person; never the setting's value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the App runs. The secrets are no part of its representation.

    `key`: the private key, PEM. `database`: a PostgreSQL address (it may hold a password), "" for SQLite.
    `jobs`: at a time in a process, 0 for none. `sweep`: minutes between looks for failed deliveries, 0 for none.
    """

    app: int
    key: str = field(repr=False)
    secret: str = field(repr=False)
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    database: str = field(default="", repr=False)
    jobs: int = 2
    sweep: int = 10
    site: Site = field(default_factory=Site)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """As the environment says. Raises SettingsError, and GitHubError for an address that is none."""
        held = {name: value(environment, name) for name in _NEEDED}
        if not held["PRIVATE_KEY"] and (path := environment.get("PRIVATE_KEY_PATH")):
            held["PRIVATE_KEY"] = _read("PRIVATE_KEY_PATH", path)
        if missing := [name for name in _NEEDED if not held[name]]:
            raise SettingsError(
                f"not set: {', '.join(missing)} (or {missing[0]}_FILE, the path of a file with it)"
            )
        # One line with \n in it is how .env files hold a key.
        key = held["PRIVATE_KEY"].replace("\\n", "\n")
        if "-----BEGIN" not in key or "PRIVATE KEY-----" not in key:
            raise SettingsError(
                "PRIVATE_KEY is no key: give the whole .pem file that GitHub made for the App"
            )
        host, port = listens(environment)
        return cls(
            app=_number("APP_ID", held["APP_ID"], 1, 1 << 53),
            key=key,
            secret=held["WEBHOOK_SECRET"],
            host=host,
            port=port,
            database=_database(environment),
            # One more than one installation gets: another one's job never waits for all of them.
            jobs=_number("JOBS", environment.get("JOBS") or str(processors() + 1), 0, 256),
            sweep=_number("SWEEP_MINUTES", environment.get("SWEEP_MINUTES") or "10", 0, 1_440),
            site=Site.of(environment),
        )


def listens(environment: Mapping[str, str]) -> tuple[str, int]:
    """Where to listen: HOST and PORT. Raises SettingsError."""
    port = _number("PORT", environment.get("PORT") or str(DEFAULT_PORT), 0, 65_535)
    return environment.get("HOST") or DEFAULT_HOST, port


def place(environment: Mapping[str, str]) -> tuple[Path, str]:
    """The folder where the App keeps its files, and the address of the database, "" for SQLite in that folder.

    REPAIRBOT_HOME names the folder, else systemd's STATE_DIRECTORY, else it is the user's. Raises SettingsError.
    """
    folder = environment.get("REPAIRBOT_HOME") or environment.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(folder) if folder else user_data_path("repairbot"), _database(environment)


def _database(environment: Mapping[str, str]) -> str:
    held = value(environment, "DATABASE_URL")
    if held and not held.startswith(("postgresql://", "postgres://")):
        raise SettingsError("DATABASE_URL is no PostgreSQL address: postgresql://..., or unset for SQLite")
    return held


def value(environment: Mapping[str, str], name: str) -> str:
    """A setting, or what the file holds that NAME_FILE names; "" where there is neither. Raises SettingsError."""
    if held := environment.get(name, "").strip():
        return held
    path = environment.get(f"{name}_FILE")
    return _read(f"{name}_FILE", path) if path else ""


def _read(name: str, path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it holds no text"
        raise SettingsError(f"the file that {name} names cannot be read: {why}") from None


def _number(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 16 and least <= int(text) <= most):
        raise SettingsError(f"{name} must be a whole number from {least} to {most}")
    return int(text)
