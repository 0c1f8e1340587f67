"""Logs: lines of JSON that say which delivery they are about, and hold no token."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from typing import Any

import pytest

from repairbot.service import logs

TOKENS = [
    "ghs_123_eyJhbGciOi.eyJpc3Mi.c2lnbmF0dXJl",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----",
]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def stream() -> Any:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    held = io.StringIO()
    logs.start("a webhook's secret", TOKENS[2], stream=held)
    yield held
    root.handlers[:] = before
    root.setLevel(level)


def test_every_line_says_which_delivery_it_is_about(stream: io.StringIO) -> None:
    log = logging.getLogger("repairbot.test")

    async def one(delivery: str) -> None:
        with logs.about(delivery=delivery):
            await asyncio.sleep(0)
            log.info("begun")
            with logs.about(job=f"job of {delivery}"):
                await asyncio.to_thread(log.info, "deep")
            log.info("ended")

    async def both() -> None:
        await asyncio.gather(one("d-1"), one("d-2"))

    asyncio.run(both())
    log.info("outside")
    found = lines(stream.getvalue())
    assert sum(each.get("delivery") == "d-1" for each in found) == 3
    assert {each["delivery"] for each in found if each["message"] == "deep"} == {"d-1", "d-2"}
    assert all(each["job"] == f"job of {each['delivery']}" for each in found if "job" in each)
    assert "delivery" not in found[-1]


@pytest.mark.parametrize("token", TOKENS)
def test_no_token_is_written_wherever_it_stands(stream: io.StringIO, token: str) -> None:
    log = logging.getLogger("repairbot.test")
    try:
        raise OSError(f"https://x-access-token:{token}@github.com: {token}")
    except OSError:
        log.exception("failed with %s", token, extra={"url": f"https://u:{token}@h/", "held": {"t": token}})
    with logs.about(delivery=token):
        log.warning("%r", [token])
    text = stream.getvalue()
    assert len(lines(text)) == 2
    for form in (token, json.dumps(token)[1:-1], token.splitlines()[-1], token[-12:]):
        assert form not in text


def test_the_secrets_it_was_told_are_not_written(stream: io.StringIO) -> None:
    logging.getLogger("x").warning("the signature was made with a webhook's secret")
    assert "webhook's" not in stream.getvalue()


def test_what_strangers_sent_stays_one_bounded_line(stream: io.StringIO) -> None:
    logging.getLogger("x").warning('name\n{"level": "none"}\u2028\x1b[31m%s', "x" * 100_000)
    (only,) = lines(stream.getvalue())
    assert only["level"] == "warning"
    assert len(stream.getvalue()) < 10_000
    assert "\x1b" not in stream.getvalue()


def test_an_unknown_level_is_said() -> None:
    with pytest.raises(ValueError, match="LOG_LEVEL"):
        logs.start(level="loud")
