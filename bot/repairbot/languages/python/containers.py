"""Containers of a file. Another branch fills this in."""

from __future__ import annotations

from repairbot.languages.python.syntax import Module
from repairbot.lifetimes.ops import Container, Resource

TRIGGERS: frozenset[bytes] = frozenset()


def collect(module: Module, resources: tuple[Resource, ...]) -> list[Container]:
    """No containers yet."""
    return []
