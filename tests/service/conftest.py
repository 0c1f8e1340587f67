"""The rig, as the tests of reviews have it."""

from tests.github.conftest import judge, rig

__all__ = ["judge", "rig"]
