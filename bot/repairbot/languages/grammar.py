"""Loading a tree-sitter grammar: its binding alone.

The packages' `__init__` import importlib.resources for queries that nobody here asks for, and with it a dozen modules
of the standard library: more time than a small file takes to be examined.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType


def binding(package: str) -> ModuleType:
    """The compiled module of a grammar's package ("tree_sitter_python"). Raises ImportError."""
    name = f"{package}._binding"
    if name in sys.modules:
        return sys.modules[name]
    folder = PathFinder.find_spec(package)
    found = PathFinder.find_spec(name, folder.submodule_search_locations) if folder is not None else None
    if found is None or found.loader is None:
        raise ImportError(f"the grammar {package} is not installed", name=package)
    module = module_from_spec(found)
    found.loader.exec_module(module)
    sys.modules[name] = module
    return module
