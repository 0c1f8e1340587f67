"""What is read whole: queries, files, batches; and what has a bound."""

from __future__ import annotations

import pytest

from repairbot.languages.python import loads
from repairbot.languages.python.syntax import Module


def details(source: str) -> list[str]:
    return [load.detail or load.what for load in loads.collect(Module(source.encode(), "service.py"))]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('"SELECT a FROM t"', ["sql"]),
        ('"""\n    select a\n    from t order by a"""', ["sql"]),
        ('"SELECT a FROM t WHERE b = 1"', []),
        ('"SELECT a FROM t LIMIT 5"', []),
        ('"SELECT COUNT(*) FROM t"', []),
        ('f"SELECT a FROM t {rest}"', []),
        ('"PRAGMA table_info(t)"', []),
        ("build()", []),
    ],
)
def test_queries_that_are_written_out(query: str, found: list[str]) -> None:
    assert details(f"def rows(cursor):\n    cursor.execute({query})\n    return cursor.fetchall()\n") == found
    assert (
        details(f"def rows(cursor):\n    q = {query}\n    cursor.execute(q)\n    return cursor.fetchall()\n")
        == found
    )


@pytest.mark.parametrize(
    ("head", "expression", "found"),
    [
        ("import sqlalchemy", "session.query(User).all()", ["orm"]),
        ("import sqlalchemy", "session.query(User).filter_by(a=1).all()", []),
        ("import sqlalchemy", "session.query(User).limit(5).all()", []),
        ("import other", "session.query(User).all()", []),
        ("import pymongo", "list(db.users.find())", ["find"]),
        ("import pymongo", "list(db.users.find({}))", ["find"]),
        ("import pymongo", "list(db.users.find({'a': 1}))", []),
        ("import pymongo", "list(db.users.find().limit(5))", []),
        ("import motor", "db.users.find({}).to_list(None)", ["mongo"]),
        ("import motor", "db.users.find({}).to_list(length=None)", ["mongo"]),
        ("import motor", "db.users.find({}).to_list(100)", []),
        ("from django.db import models", "list(User.objects.all())", ["django"]),
        ("from django.db import models", "User.objects.all()", []),
    ],
)
def test_queries_of_libraries(head: str, expression: str, found: list[str]) -> None:
    assert details(f"{head}\n\n\ndef rows(session, db):\n    return {expression}\n") == found


def test_a_function_that_answers_requests_is_evidence() -> None:
    source = """\
@app.get("/rows")
def rows(cursor):
    cursor.execute("SELECT a FROM t")
    return cursor.fetchall()
"""
    [load] = loads.collect(Module(source.encode(), "service.py"))
    assert [step.line for step in load.evidence] == [1]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("data = await file.read()", ["upload"]),
        ("data = file.file.read()", ["upload"]),
        ("data = await file.read(1024)", []),
        ("assert file.size < 10\n    data = await file.read()", []),
    ],
)
def test_uploads(body: str, found: list[str]) -> None:
    assert details(f"async def upload(file: UploadFile):\n    {body}\n") == found


@pytest.mark.parametrize(
    ("loop", "found"),
    [
        ("for line in log.readlines():\n            print(line)", ["lines"]),
        ("for line in log:\n            print(line)", []),
        ("for line in log.readlines():\n            print(line, log)", []),
        ("lines = log.readlines()", []),
    ],
)
def test_lines_that_are_listed_to_be_walked(loop: str, found: list[str]) -> None:
    assert details(f"def read(path):\n    with open(path) as log:\n        {loop}\n") == found


@pytest.mark.parametrize(("look", "count"), [("pass", 1), ("tracemalloc.get_traced_memory()", 0)])
def test_batches(look: str, count: int) -> None:
    source = f"""
def work(items, batch_size):
    for start in range(0, len(items), batch_size):
        done.extend(items)
        {look}
"""
    assert len(details(source)) == count
