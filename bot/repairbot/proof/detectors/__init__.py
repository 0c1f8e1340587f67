"""Detectors, one file each, found by walking."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import cast

from repairbot.proof.detectors.base import Detector


@cache
def walk() -> dict[str, Detector]:
    """Every detector by its name."""
    modules = [
        importlib.import_module(f"{__name__}.{found.name}")
        for found in pkgutil.iter_modules(__path__)
        if found.name != "base"
    ]
    found = [cast(Detector, module) for module in modules]
    return {detector.NAME: detector for detector in sorted(found, key=lambda each: each.NAME)}
