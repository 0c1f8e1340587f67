"""What the lowering and the pairing analysis say together of small functions: each construct once, held and quiet."""

from __future__ import annotations

import pytest

from repairbot.languages.base import Project, Unreadable
from repairbot.languages.rust.frontend import FRONTEND
from repairbot.lifetimes.ops import Unit
from repairbot.lifetimes.resources import load
from tests.languages.rust.lowering import leaks, unit

OPEN = "let fd = unsafe { libc::open(path, 0) };"
CLOSE = "unsafe { libc::close(fd) };"

HELD = {
    "never closed": (f"fn f(path: P) {{ {OPEN} libc::fsync(fd); }}", ["f fd never"]),
    "a question mark between": (
        f"fn f(path: P) -> R {{ {OPEN} work()?; {CLOSE} Ok(()) }}",
        ["f fd error"],
    ),
    "one exit forgets": (
        f"fn f(path: P, n: u8) {{ {OPEN} if n > 1 {{ return; }} {CLOSE} }}",
        ["f fd early-exit"],
    ),
    "an arm forgets": (
        f"fn f(path: P, n: u8) {{ {OPEN} match n {{ 1 => {{ {CLOSE} }} _ => {{}} }} }}",
        ["f fd early-exit"],
    ),
    "let else leaves": (
        f"fn f(path: P, n: O) {{ {OPEN} let Some(n) = n else {{ return }}; {CLOSE} }}",
        ["f fd early-exit"],
    ),
    "bail": (
        f'fn f(path: P, n: u8) -> R {{ {OPEN} if n > 1 {{ bail!("no"); }} {CLOSE} Ok(()) }}',
        ["f fd error"],
    ),
    "overwritten": (
        f"fn f(path: P) {{ let mut fd = libc::open(path, 0); fd = libc::open(path, 1); {CLOSE} }}",
        ["f fd overwritten"],
    ),
    "a branch gives it": (
        "fn f(path: P, n: u8) { let fd = if n > 1 { libc::open(path, 0) } else { libc::open(path, 1) }; work(); }",
        ["f fd never", "f fd never"],
    ),
    "a child that is killed on one error only": (
        """
        fn f(cmd: &mut Command) -> io::Result<Child> {
            let mut child = cmd.spawn()?;
            let id = check(child.id())?;
            if let Err(error) = wait(id) {
                child.kill()?;
                return Err(error);
            }
            Ok(child)
        }
        """,
        ["f child error"],
    ),
    "an object that is neither released nor kept": (
        "fn f(view: id) { let area: id = msg_send![class!(Area), alloc]; let _: () = msg_send![view, add: area]; }",
        ["f area never"],
    ),
}

QUIET = {
    "closed": f"fn f(path: P) {{ {OPEN} {CLOSE} }}",
    "nothing was opened": f"fn f(path: P) {{ {OPEN} if fd < 0 {{ return; }} {CLOSE} }}",
    "nothing was opened, said by ensure": f"fn f(path: P) -> R {{ {OPEN} ensure!(fd != -1); {CLOSE} Ok(()) }}",
    "null": "fn f() -> bool { let d = XOpenDisplay(n); if d.is_null() { return false; } XCloseDisplay(d); true }",
    "returned": f"fn f(path: P) -> i32 {{ {OPEN} fd }}",
    "returned in a result": f"fn f(path: P) -> R {{ {OPEN} Ok(fd) }}",
    "stored": f"fn f(path: P) -> File {{ {OPEN} File {{ fd }} }}",
    "owned by a type from then on": f"fn f(path: P) -> R {{ {OPEN} let a = File::from_raw_fd(fd); work()?; Ok(()) }}",
    "captured": f"fn f(path: P) {{ {OPEN} spawn(move || use_it(fd)); }}",
    "the process ends": f"fn f(path: P) {{ {OPEN} if bad() {{ std::process::exit(1); }} {CLOSE} }}",
    "a panic": f'fn f(path: P) {{ {OPEN} if bad() {{ panic!("no"); }} {CLOSE} }}',
    "a child that nobody ever ends": "fn f(cmd: &mut Command) -> R { let child = cmd.spawn()?; work()?; Ok(()) }",
    "autoreleased": "fn f() { let v: id = msg_send![V, alloc]; let v = v.initWithFrame_(r); v.autorelease(); }",
    "closed in every round": f"fn f(paths: P) {{ for path in paths {{ {OPEN} if fd < 0 {{ continue; }} {CLOSE} }} }}",
}


@pytest.mark.parametrize("name", HELD)
def test_held(name: str) -> None:
    source, expected = HELD[name]
    assert leaks(source) == expected


@pytest.mark.parametrize("name", QUIET)
def test_quiet(name: str) -> None:
    assert leaks(QUIET[name]) == []


def test_what_does_not_parse_is_said() -> None:
    with pytest.raises(Unreadable, match="line 1: it does not parse as Rust"):
        unit("}}}} )))) ]]]]\n")


def test_a_function_that_does_not_parse_is_passed_over_and_counted() -> None:
    found = unit("fn good() {}\n\nfn bad(path: P) {\n    let fd = libc::open(path, 0);\n    let = = ;\n}\n")
    assert [step.line for step in found.skipped] == [3]
    assert not found.functions


def test_test_code_is_not_looked_at() -> None:
    source = f"#[cfg(test)]\nmod tests {{\n    #[test]\n    fn f(path: P) {{ {OPEN} }}\n}}\n"
    assert leaks(source) == []


@pytest.mark.parametrize("source", ["fn f() {}\n", "pub struct Point { x: i32 }\n", "use std::io;\n"])
def test_what_says_nothing_is_dismissed(source: str) -> None:
    assert FRONTEND.dismiss(source.encode(), load("rust"))


@pytest.mark.parametrize(
    "source", [f"fn f(path: P) {{ {OPEN} }}\n", "fn f( {\n", "fn f() { set.join_next(); JoinSet::new(); }"]
)
def test_what_may_say_something_is_not(source: str) -> None:
    assert not FRONTEND.dismiss(source.encode(), load("rust"))


def test_a_part_says_what_the_whole_says() -> None:
    source = f"fn f(path: P) {{ {OPEN} work(); }}\n\nfn g(path: P) {{ {OPEN} {CLOSE} }}\n".encode()
    place = source.index(b"work")
    assert (FRONTEND.touched(source, ((place, place + 4),)) or set()) == {"f"}
    assert FRONTEND.touched(source, ((0, 2),)) is None
    part = FRONTEND.lower_part(Unit("example.rs", "rust"), source, load("rust"), Project(), frozenset({"f"}))
    assert part.functions == unit(source.decode()).functions[:1]


@pytest.mark.parametrize(
    "inside",
    [
        "(" * 3000 + "1" + ")" * 3000,
        "{" * 3000 + "}" * 3000,
        "a" + ".b()" * 3000,
        "if a {} else " * 800 + "{}",
    ],
)
def test_what_is_nested_too_deeply_is_passed_over(inside: str) -> None:
    found = unit(f"fn f(path: P) {{ {OPEN} {inside}; }}\n\nfn g(path: P) {{ {OPEN} }}\n")
    assert [step.note for step in found.skipped] == ["f is too deep to follow"]
    assert [function.symbol for function in found.functions] == ["g"]
