"""The App's own identity and its installations' tokens, against the rig."""

from __future__ import annotations

import time

import pytest

from repairbot.github.errors import BadToken, Busy, Denied, NotThere
from repairbot.github.limiter import Limiter
from repairbot.github.transport import Site
from repairbot.service.tokens import COMMANDS, REVIEW, App
from tests.github.reviewing import FakeClock
from tests.github.rig import apps
from tests.github.rig.faults import Lose, Refuse, on
from tests.github.rig.server import Rig

REPO = "octo/leaky"


def app(rig: Rig, key: str = "", at: float = 0.0) -> App:
    return App(rig.app.id, key or rig.app.key, Site.of(rig.environment("")), lambda: time.time() + at)


def test_the_app_shows_who_it_is_by_its_key(rig: Rig) -> None:
    assert app(rig).check() == apps.SLUG


def test_a_key_that_github_does_not_know_is_said(rig: Rig) -> None:
    apps.key.cache_clear()
    other = apps.key()
    with pytest.raises(BadToken, match="compare APP_ID and PRIVATE_KEY"):
        app(rig, other).check()
    with pytest.raises(BadToken, match="give the whole"):
        app(rig, "-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----").check()


def test_a_token_is_for_one_repository_with_the_least_that_is_needed(rig: Rig) -> None:
    made = app(rig)
    token = made.token(3, REPO, REVIEW)
    (issued,) = rig.app.issued
    assert (issued.repositories, issued.permissions, issued.value) == (("leaky",), dict(REVIEW), token)
    assert made.token(3, REPO, REVIEW) == token  # kept
    assert len(rig.app.issued) == 1
    assert token not in repr(made)
    assert rig.app.key not in repr(made)


def test_it_is_renewed_before_it_ends(rig: Rig) -> None:
    rig.app.lives = 700
    made = app(rig)
    first = made.token(3, REPO, REVIEW)
    late = App(made.id, made.key, made.site, lambda: time.time() + 101, made._tokens)
    assert late.token(3, REPO, REVIEW) != first
    made.forget(3)
    assert made.token(3, REPO, REVIEW) != first


def test_what_the_owner_did_not_grant_is_not_asked_for(rig: Rig) -> None:
    app(rig).token(3, REPO, COMMANDS)
    assert rig.app.issued[0].permissions == {**COMMANDS, "contents": "read"}
    rig.app.installations[3].permissions = {"metadata": "read", "checks": "write"}
    with pytest.raises(Denied, match="may not read the code"):
        app(rig).token(3, REPO, REVIEW)


def test_an_installation_that_is_gone_is_not_there(rig: Rig) -> None:
    rig.app.installations[3].gone = True
    with pytest.raises(NotThere):
        app(rig).token(3, REPO, REVIEW)


def test_a_lost_answer_costs_a_second_token_and_nothing_else(rig: Rig) -> None:
    rig.faults = on("POST", "/access_tokens", Lose(502))
    app(rig).token(3, REPO, REVIEW)
    assert len(rig.app.issued) == 2


def test_long_pauses_are_left_to_the_queue(rig: Rig) -> None:
    rig.faults = on("POST", "/access_tokens", Refuse(403, 60))
    with pytest.raises(Busy) as caught:
        app(rig).token(3, REPO, REVIEW)
    assert caught.value.pause == 60


def test_a_limit_that_is_used_up_is_not_waited_for_beyond_patience() -> None:
    limiter = Limiter(FakeClock(), rates=((1, 60.0),))
    assert limiter.take() == 0
    assert limiter.take(5) == 60
    assert limiter.take(60) == 0
