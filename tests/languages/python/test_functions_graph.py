"""How functions become graphs: every way out, with the cleanup that it meets."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.languages.python.lowering import graph

GRAPHS = {
    "an early return is a way out of its own": (
        """
        def read(path):
            f = open(path)
            if not path:
                return None
            f.close()
        """,
        """
        function read(path)
          b0: acquire f file fallible
              -> b1 | error "open() can raise"
          b1: -> b2 if path | -> b3 if not path
          b2: release f
              exit "the end"
          b3: exit "return"
        """,
    ),
    "with releases on the way out by return and by error": (
        """
        def read(path):
            with open(path) as f:
                return f.read()
        """,
        """
        function read(path)
          b0: acquire f file detail=scope fallible
              -> b1 | error "open() can raise"
          b1: use f detail=f.read fallible
              -> b2 | error -> b5 "f.read() can raise"
          b2: -> b3 "return"
          b3: release f detail=scope cleanup
              -> b4
          b4: exit
          b5: release f detail=scope cleanup
              -> b6
          b6: error
        """,
    ),
    "a handler and finally stand between an error and the caller": (
        """
        import socket

        def dial(address):
            s = socket.socket()
            try:
                s.connect(address)
            except OSError:
                s.close()
                raise
            finally:
                done()
            return s
        """,
        """
        function dial(address)
          b0: acquire s socket fallible
              -> b1 | error "socket.socket() can raise"
          b1: use s detail=s.connect fallible
              -> b2 | error -> b4 "s.connect() can raise"
          b2: call detail=done fallible cleanup
              -> b3 | error "done() can raise"
          b3: escape s returned
              exit "return"
          b4: release s cleanup
              call detail=raise fallible cleanup
              error -> b5 "raise"
          b5: call detail=done fallible cleanup
              -> b6 | error "done() can raise"
          b6: error
        """,
    ),
    "break runs the cleanup inside the loop and passes its else": (
        """
        def find(paths):
            for path in paths:
                f = open(path)
                try:
                    if f.read():
                        break
                finally:
                    f.close()
            else:
                missing()
        """,
        """
        function find(paths)
          b0: -> b1
          b1: -> b2 | -> b12
          b2: acquire f file fallible
              -> b3 | error "open() can raise"
          b3: use f detail=f.read fallible
              -> b4 | error -> b10 "f.read() can raise"
          b4: -> b5 | -> b8
          b5: -> b6 "break"
          b6: release f cleanup
              -> b7
          b7: exit "the end"
          b8: release f cleanup
              -> b9
          b9: loop -> b1
          b10: release f cleanup
               -> b11
          b11: error
          b12: call detail=missing fallible
               -> b7 | error "missing() can raise"
        """,
    ),
    "a cancellation passes a handler of exceptions": (
        """
        async def get(path):
            f = open(path)
            try:
                await f.work()
            except Exception:
                f.close()
                raise
            f.close()
        """,
        """
        function get(path) async
          b0: acquire f file fallible
              -> b1 | error "open() can raise"
          b1: use f detail=f.work fallible
              -> b2 | error -> b3 "f.work() can raise" | error "f.work() can raise"
          b2: release f
              exit "the end"
          b3: release f cleanup
              call detail=raise fallible cleanup
              error "raise"
        """,
    ),
    "the elements of a tuple are acquired one by one": (
        """
        import os

        def pair():
            r, w = os.pipe()
            os.close(r)
            return w
        """,
        """
        function pair()
          b0: call detail=os.pipe fallible
              -> b1 | error "os.pipe() can raise"
          b1: acquire r pipe
              acquire w pipe
              release r
              escape w returned
              exit "return"
        """,
    ),
    "a wrapper takes over what it wraps": (
        """
        import socket, ssl

        def secure(address):
            raw = socket.create_connection(address)
            tls = ssl.wrap_socket(raw)
            return tls
        """,
        """
        function secure(address)
          b0: acquire raw socket fallible
              -> b1 | error "socket.create_connection() can raise"
          b1: move raw tls fallible
              -> b2 | error "ssl.wrap_socket() can raise"
          b2: escape tls returned
              exit "return"
        """,
    ),
    "a value of two branches is acquired in one": (
        """
        import sys

        def out(path):
            f = open(path) if path else sys.stdout
            write(f)
            f.close()
        """,
        """
        function out(path)
          b0: -> b1 if path | -> b4 if not path
          b1: acquire f file fallible
              -> b2 | error "open() can raise"
          b2: escape f passed other=write fallible
              -> b3 | error "write() can raise"
          b3: release f
              exit "the end"
          b4: clear f
              -> b2
        """,
    ),
    "what a loop over a display does it does to each": (
        """
        def both(a, b):
            f = open(a)
            g = open(b)
            for each in (f, g):
                each.close()
        """,
        """
        function both(a, b)
          b0: acquire f file fallible
              -> b1 | error "open() can raise"
          b1: acquire g file fallible
              -> b2 | error "open() can raise"
          b2: move f each
              release each
              -> b3
          b3: move g each
              release each
              -> b4
          b4: exit "the end"
        """,
    ),
    "while true is left by break alone": (
        """
        import socket

        def poll(address):
            s = socket.create_connection(address)
            while True:
                if s.recv(1):
                    break
            s.close()
        """,
        """
        function poll(address)
          b0: acquire s socket fallible
              -> b1 | error "socket.create_connection() can raise"
          b1: use s detail=s.recv fallible
              -> b2 | error "s.recv() can raise"
          b2: -> b3 | -> b5
          b3: -> b4 "break"
          b4: release s
              exit "the end"
          b5: loop -> b1
        """,
    ),
    "match falls through unless a case takes all": (
        """
        def mode(path, kind):
            f = open(path)
            match kind:
                case 1:
                    f.close()
                case _:
                    return f
        """,
        """
        function mode(path, kind)
          b0: acquire f file fallible
              -> b1 | error "open() can raise"
          b1: -> b2 | -> b4
          b2: release f
              -> b3
          b3: exit "the end"
          b4: escape f returned
              exit "return"
        """,
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_graph(name: str) -> None:
    source, expected = GRAPHS[name]
    assert graph(source) == dedent(expected).lstrip("\n")
