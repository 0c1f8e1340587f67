"""Tokens of every form are taken out of texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repairbot.github.redact import HIDDEN, redact

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDAsImlzcyI6IjEyMzQ1In0.c2lnbmF0dXJl-_x"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nAAAA/+==\n-----END RSA PRIVATE KEY-----"
SECRETS = [
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "gho_16C7e42F292c6912E7710c838347Ae178B4a",
    "ghu_16C7e42F292c6912E7710c838347Ae178B4a",
    "ghr_1B4a2e77838347a7E420ce178F2E7c6912E169246c34E1ccbF66C46812d16D5B1A9Dc86A1498",
    "ghs_16C7e42F292c6912E7710c838347Ae178B4a",
    f"ghs_1234567_{JWT}",
    "github_pat_11ABCDEFG0abcdefghijkl_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvw",
    "v1.1f699f1069f60xxx"[:3] + "0123456789abcdef0123456789abcdef01234567",
    JWT,
    KEY,
    KEY.replace("RSA ", ""),
    KEY.partition("-----END")[0],
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "around", ["{}", "token {} was refused", "https://x-access-token:{}@github.com/a/b", "'{}',"]
)
def test_every_form_goes(secret: str, around: str) -> None:
    said = redact(around.format(secret))
    assert HIDDEN in said
    for part in filter(lambda part: len(part) > 6, secret.replace("\n", ".").split(".")):
        if "KEY" not in part:
            assert part not in said


def test_headers_and_addresses_go() -> None:
    assert redact("Authorization: Basic eC1hY2Nlc3MtdG9rZW46Z2hz") == f"Authorization: Basic {HIDDEN}"
    assert redact("authorization: bearer abcdefghijk") == f"authorization: bearer {HIDDEN}"
    assert redact("https://me:hunter2@example.org/x") == f"https://{HIDDEN}@example.org/x"


@given(st.text(), st.text(min_size=1), st.text())
def test_a_named_secret_goes_wherever_it_stands(before: str, secret: str, after: str) -> None:
    said = redact(before + "ghs_" + secret + after, "ghs_" + secret)
    assert "ghs_" + secret not in said


@pytest.mark.parametrize(
    "text",
    [
        "the file is never closed",
        "commit 0123456789abcdef0123456789abcdef01234567",
        "a/b.py:3",
        "eyes",
        "ghost_x",
    ],
)
def test_other_words_stay(text: str) -> None:
    assert redact(text) == text
