"""Which functions of a file name which others: what a function calls, it names."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final

from repairbot.languages.zig.syntax import Definition, Module

_WORD: Final = re.compile(rb"[A-Za-z_]\w*")


class Mentions:
    """Answers for the functions of one file."""

    def __init__(self, module: Module) -> None:
        self._source = module.source
        self._symbols: defaultdict[str, list[Definition]] = defaultdict(list)
        self._names: defaultdict[bytes, set[str]] = defaultdict(set)
        self._named: dict[str, set[str]] = {}
        for each in module.functions:
            self._symbols[each.symbol].append(each)
            self._names[each.name.encode()].add(each.symbol)

    def reached(self, symbols: frozenset[str]) -> frozenset[str]:
        """The symbols of these functions and of all that they name, directly or not."""
        found, waiting = set(symbols), list(symbols)
        while waiting:
            new = self._of(waiting.pop()) - found
            found |= new
            waiting += new
        return frozenset(found)

    def _of(self, symbol: str) -> set[str]:
        if symbol not in self._named:
            named: set[str] = set()
            for each in self._symbols[symbol]:
                words = _WORD.findall(self._source, each.node.start_byte, each.node.end_byte)
                named.update(*(self._names[word] for word in set(words) & self._names.keys()))
            self._named[symbol] = named
        return self._named[symbol]
