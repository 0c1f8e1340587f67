"""Tokens taken out of texts that leave the process: logs, errors, reports.

By form and never by length: since April 2026 an installation's token is `ghs_APPID_JWT`, with the points and
hyphens of a JWT. https://github.blog/engineering/behind-githubs-new-authentication-token-formats/
"""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "[token removed]"
_JWT: Final = r"eyJ[\w-]*\.[\w-]+(?:\.[\w-]*)?"
_SECRETS: Final = re.compile(
    rf"""
      -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|\Z)
    | gh[a-z]_[\w.-]+                  # ghp_ people, gho_ ghu_ OAuth, ghs_ installations, ghr_ refresh
    | github_pat_[\w.-]+
    | {_JWT}
    | (?<![0-9a-f])v1\.[0-9a-f]{{40}}  # installations of older GitHub Enterprise
    | (?i:(?<=bearer[ ])|(?<=basic[ ])|(?<=authorization:[ ]token[ ]))[\w.~+/=-]{{8,}}
    | (?<=://)[^/\s@]+(?=@)            # user and password in an address
    """,
    re.VERBOSE | re.DOTALL,
)


def redact(text: str, *secrets: str) -> str:
    """The text without anything that has the form of a token or private key, and without `secrets`."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    return _SECRETS.sub(HIDDEN, text)
