"""The report for programs: one JSON document, and back again.

Stable: the same files and settings give the same bytes, so neither the time it took nor the folder it ran in
stands in it. `templates/repairbot_templates/audit.schema.json` documents every key; `load` trusts nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Literal, TypeVar, cast, get_args

from repairbot import __version__, wire
from repairbot.model import (
    SEVERITIES,
    Audit,
    Check,
    Confidence,
    Edit,
    FileResult,
    Finding,
    Fix,
    Impact,
    Outcome,
    Proof,
    SafePattern,
    Safety,
    Severity,
    Step,
)
from repairbot.reports import Options

VERSION: Final = 1
"""Of the document. Raised when a key changes its meaning or goes; new keys do not raise it."""

MAX_CHARACTERS: Final = 256 * 1024 * 1024

Json = dict[str, Any]
T = TypeVar("T")


class DocumentError(ValueError):
    """The text is no audit of ours; the message names the place and what is wrong there."""


# Writing


def _step(step: Step) -> Json:
    return {"line": step.line, "note": step.note, "code": step.code}


def _fix(fix: Fix | None) -> Json | None:
    if fix is None:
        return None
    return {
        "safety": fix.safety,
        "title": fix.title,
        "edits": [{"start": edit.start, "end": edit.end, "text": edit.text} for edit in fix.edits],
        "diff": fix.diff,
        "checks": [
            {"name": check.name, "result": check.result, "detail": check.detail} for check in fix.checks
        ],
        "choice": fix.choice,
        "why": fix.why,
    }


def _finding(finding: Finding) -> Json:
    return {
        "rule": finding.rule,
        "path": finding.path,
        "line": finding.line,
        "end_line": finding.end_line,
        "column": finding.column,
        "symbol": finding.symbol,
        "variable": finding.variable,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "message": finding.message,
        "witness": [_step(step) for step in finding.witness],
        "evidence": [_step(step) for step in finding.evidence],
        "fingerprint": finding.fingerprint,
        "fix": _fix(finding.fix),
        "refusals": list(finding.refusals),
        "impact": {
            "growth": finding.impact.growth,
            "before": finding.impact.before,
            "after": finding.impact.after,
        },
        "applied": finding.applied,
    }


def _file(file: FileResult) -> Json:
    return {
        "path": file.path,
        "language": file.language,
        "outcome": file.outcome.value,
        "reason": file.reason,
        "notes": [_step(note) for note in file.notes],
        "suppressed": file.suppressed,
        "encoding": file.encoding,
    }


def _summary(audit: Audit) -> Json:
    findings = audit.findings
    return {
        "mode": audit.mode,
        "dry": audit.dry,
        "base": audit.base,
        "files": len(audit.files),
        **{outcome.value: audit.count(outcome) for outcome in Outcome},
        "findings": len(findings),
        "severities": {name: sum(finding.severity == name for finding in findings) for name in SEVERITIES},
        "fixes": {
            name: sum(finding.fix is not None and finding.fix.safety == name for finding in findings)
            for name in get_args(Safety)
        },
        "suppressed": audit.suppressed,
        "baselined": audit.baselined,
        "hidden": audit.hidden,
        "unknown": audit.unknown,
    }


def document(audit: Audit) -> Json:
    """The document's keys in their order; what there is one of for each file is an iterator of its items."""
    return {
        "version": VERSION,
        "tool": {"name": "repairbot", "version": __version__},
        "summary": _summary(audit),
        "files": map(_file, audit.files),
        "findings": map(_finding, audit.findings),
        "safe_patterns": (
            {
                "path": safe.path,
                "line": safe.line,
                "symbol": safe.symbol,
                "pattern": safe.pattern,
                "reason": safe.reason,
            }
            for file in audit.files
            for safe in file.safe_patterns
        ),
        "problems": list(audit.problems),
        **({"proof": json.loads(wire.encode(audit.proof))} if audit.proof is not None else {}),
    }


def pieces(audit: Audit, options: Options) -> Iterator[str]:
    """The document as text, a line an item: ASCII alone, so that no terminal or log changes it.

    The library's own indentation costs ten times as much: it is not written in C.
    """
    ahead = "{\n"
    for key, value in document(audit).items():
        yield f"{ahead}  {json.dumps(key)}: "
        if isinstance(value, list | Iterator):
            yield from _lines(value)
        else:
            yield json.dumps(value)
        ahead = ",\n"
    yield "\n}\n"


def render(audit: Audit, options: Options) -> str:
    """The document as one text."""
    return "".join(pieces(audit, options))


def _lines(items: Iterable[object]) -> Iterator[str]:
    ahead = "[\n    "
    for item in items:
        yield ahead + json.dumps(item)
        ahead = ",\n    "
    yield "[]" if ahead.startswith("[") else "\n  ]"


# Reading: a reader takes a value and the words for its place, and returns it typed or raises.


Reader = Callable[[object, str], T]


def _is(kind: type[T]) -> Reader[T]:
    def read(value: object, where: str) -> T:
        # A bool is an int for Python and none for JSON.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise DocumentError(f"{where}: expected {kind.__name__}, found {type(value).__name__}")
        return value

    return read


_text, _flag, _whole = _is(str), _is(bool), _is(int)


def _number(value: object, where: str) -> int:
    number = _whole(value, where)
    if not 0 <= number < 1 << 53:
        raise DocumentError(f"{where}: {number} is out of range")
    return number


def _one_of(*allowed: str) -> Reader[str]:
    def read(value: object, where: str) -> str:
        if _text(value, where) not in allowed:
            raise DocumentError(f"{where}: {value!r:.60} is none of {', '.join(allowed)}")
        return cast(str, value)

    return read


def _list(item: Reader[T]) -> Reader[tuple[T, ...]]:
    def read(value: object, where: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise DocumentError(f"{where}: expected list, found {type(value).__name__}")
        return tuple(item(part, f"{where}[{index}]") for index, part in enumerate(value))

    return read


def _object(keys: Mapping[str, Reader[Any]]) -> Reader[Json]:
    def read(value: object, where: str) -> Json:
        if not isinstance(value, dict):
            raise DocumentError(f"{where}: expected object, found {type(value).__name__}")
        for name in keys.keys() ^ value.keys():
            raise DocumentError(f"{where}.{name!s:.60}: {'missing' if name in keys else 'not a known key'}")
        return {name: reader(value[name], f"{where}.{name}") for name, reader in keys.items()}

    return read


def _made(make: Callable[..., T], keys: Mapping[str, Reader[Any]]) -> Reader[T]:
    members = _object(keys)
    return lambda value, where: make(**members(value, where))


def _path(value: object, where: str) -> str:
    path = _text(value, where)
    parts = path.replace("\\", "/").split("/")
    if not path or "\0" in path or parts[0] == "" or ".." in parts or parts[0][1:2] == ":":
        raise DocumentError(f"{where}: {path!r:.60} is not a path inside a project")
    return path


def _maybe_fix(value: object, where: str) -> Fix | None:
    return None if value is None else _read_fix(value, where)


_severity = _one_of(*get_args(Severity))
_read_step = _made(Step, {"line": _number, "note": _text, "code": _text})
_read_fix = _made(
    Fix,
    {
        "safety": _one_of(*get_args(Safety)),
        "title": _text,
        "edits": _list(_made(Edit, {"start": _number, "end": _number, "text": _text})),
        "diff": _text,
        "checks": _list(
            _made(
                Check,
                {
                    "name": _text,
                    "result": _one_of(*get_args(Literal["passed", "failed", "not run"])),
                    "detail": _text,
                },
            )
        ),
        "choice": _text,
        "why": _text,
    },
)
_read_finding = _made(
    Finding,
    {
        "rule": _text,
        "path": _path,
        "line": _number,
        "end_line": _number,
        "column": _number,
        "symbol": _text,
        "variable": _text,
        "severity": _severity,
        "confidence": _one_of(*get_args(Confidence)),
        "message": _text,
        "witness": _list(_read_step),
        "evidence": _list(_read_step),
        "fingerprint": _text,
        "fix": _maybe_fix,
        "refusals": _list(_text),
        "impact": _made(Impact, {"growth": _text, "before": _text, "after": _text}),
        "applied": _flag,
    },
)
_read_safe = _made(
    SafePattern, {"path": _path, "line": _number, "symbol": _text, "pattern": _text, "reason": _text}
)
_read_file = _object(
    {
        "path": _path,
        "language": _text,
        "outcome": _one_of(*(outcome.value for outcome in Outcome)),
        "reason": _text,
        "notes": _list(_read_step),
        "suppressed": _number,
        "encoding": _text,
    }
)
_read_summary = _object(
    {
        "mode": _one_of("audit", "fix"),
        "dry": _flag,
        "base": _text,
        "files": _number,
        **{outcome.value: _number for outcome in Outcome},
        "findings": _number,
        "severities": _object(dict.fromkeys(SEVERITIES, _number)),
        "fixes": _object(dict.fromkeys(get_args(Safety), _number)),
        "suppressed": _number,
        "baselined": _number,
        "hidden": _number,
        "unknown": _number,
    }
)
_read_document = _object(
    {
        "version": _number,
        "tool": _object({"name": _text, "version": _text}),
        "summary": _read_summary,
        "files": _list(_read_file),
        "findings": _list(_read_finding),
        "safe_patterns": _list(_read_safe),
        "problems": _list(_text),
    }
)


def _of_file(file: Json, findings: list[Finding], safe: list[SafePattern]) -> FileResult:
    outcome = Outcome(file.pop("outcome"))
    return FileResult(**file, outcome=outcome, findings=tuple(findings), safe_patterns=tuple(safe))


def read_proof(value: object) -> Proof:
    """A proof from parsed JSON, such as `repairbot prove` wrote. Raises DocumentError."""
    try:
        proof = wire.build(Proof, value)
    except wire.Malformed as error:
        raise DocumentError(f"document.proof: {error}") from error
    if proof.version != VERSION:
        raise DocumentError(f"document.proof: version {proof.version} is not {VERSION}, the one known here")
    return proof


def load(text: str) -> Audit:
    """Read a document that `render` wrote, wherever it came from; `root` is empty and `seconds` 0.

    Raises DocumentError on anything that is not exactly such a document: unknown or missing keys, wrong
    types, paths that leave the project, findings of files that are not listed, counts that do not agree.
    """
    if len(text) > MAX_CHARACTERS:
        raise DocumentError(f"the document is longer than {MAX_CHARACTERS:,} characters")
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"not JSON: {error}") from error
    if isinstance(raw, dict) and raw.get("version") != VERSION:
        raise DocumentError(
            f"document: version {raw.get('version')!r:.20} is not {VERSION}, the one known here"
        )
    proof = raw.pop("proof", None) if isinstance(raw, dict) else None
    data = _read_document(raw, "document")
    findings: dict[str, list[Finding]] = {file["path"]: [] for file in data["files"]}
    safe: dict[str, list[SafePattern]] = {path: [] for path in findings}
    if len(findings) != len(data["files"]):
        raise DocumentError("document.files: a path stands there twice")
    for kind, items, by_path in (
        ("findings", data["findings"], findings),
        ("safe_patterns", data["safe_patterns"], safe),
    ):
        for index, item in enumerate(items):
            if item.path not in by_path:
                raise DocumentError(f"document.{kind}[{index}].path: no such file in this document")
            by_path[item.path].append(item)
    summary = data["summary"]
    audit = Audit(
        root="",
        files=tuple(_of_file(file, findings[file["path"]], safe[file["path"]]) for file in data["files"]),
        mode=summary["mode"],
        dry=summary["dry"],
        base=summary["base"],
        baselined=summary["baselined"],
        hidden=summary["hidden"],
        suppressed=summary["suppressed"],
        unknown=summary["unknown"],
        problems=data["problems"],
        proof=None if proof is None else read_proof(proof),
    )
    for name, count in _summary(audit).items():
        if summary[name] != count:
            raise DocumentError(f"document.summary.{name}: does not agree with what the document lists")
    return audit
