"""Settings: what is read, and that every mistake is said where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from repairbot.config import Config, ConfigError, ReviewSettings, find, load
from repairbot.model import Settings
from repairbot.rule import rule_ids


def configured(folder: Path, text: str, name: str = ".repairbot.toml") -> Config:
    file = folder / name
    file.write_text(text)
    return load(file)


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        configured(folder, text)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_nothing_configured_is_the_defaults() -> None:
    assert load(None) == Config()
    assert Config().settings == Settings()


def test_everything_that_can_be_configured(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        """
        confidence = "low"
        baseline = "known.json"
        jobs = 3
        rules = { unbounded-cache = "off", never-released = true }
        severity = { never-released = "low" }
        bounds = { default = 50, unbounded-cache = 7 }
        [paths]
        include = "src/"
        exclude = ["src/vendor/", "*_pb2.py"]
        max-size = 1000
        [limits]
        memory = 700
        seconds = 5
        [review]
        max-comments = 0
        drafts = true
        bots = true
        fail-on = "medium"
        opt-out = "quiet, please"
        [[resource]]
        acquire = "pool.take"
        release = ["pool.give", ".close"]
        """,
    )
    assert config.settings.rules == {"unbounded-cache": False, "never-released": True}
    assert config.settings.severity == {"never-released": "low"}
    assert config.settings.bounds == {"default": 50, "unbounded-cache": 7}
    assert config.settings.resources == ({"acquire": ["pool.take"], "release": ["pool.give", ".close"]},)
    assert (config.include, config.exclude, config.max_size) == (("src/",), ("src/vendor/", "*_pb2.py"), 1000)
    assert (config.confidence, config.jobs, config.memory, config.seconds) == ("low", 3, 700, 5)
    assert config.review == ReviewSettings(0, True, True, "medium", "quiet, please")
    assert config.baseline == str(tmp_path / "known.json")
    assert config.folder == str(tmp_path)


def test_pyproject_holds_the_same_keys_in_its_table(tmp_path: Path) -> None:
    config = configured(tmp_path, "[project]\nname = 'x'\n[tool.repairbot]\njobs = 2\n", "pyproject.toml")
    assert config.jobs == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("confidense = 'low'", "confidense: unknown key; did you mean 'confidence'?"),
        ("[paths]\nexlude = 'x'", "paths.exlude: unknown key; did you mean 'exclude'?"),
        ("[[resource]]\nacquires = 'x'", "resource 1.acquires: unknown key; did you mean 'acquire'?"),
        ("[[resource]]\nacquire = 'pool.take'", "resource 1: needs `release`"),
        ("[[resource]]\nacquire = 'pool take'\nrelease = 'x'", "must name callees"),
        ("[review]\ndraft = true", "review.draft: unknown key; did you mean 'drafts'?"),
        ("[review]\nmax-comments = 31", "review.max-comments: must be a whole number from 0 to 30"),
        ("[review]\nmax-comments = true", "review.max-comments: must be a whole number from 0 to 30"),
        ("[review]\ndrafts = 'yes'", "review.drafts: must be true or false"),
        ("[review]\nfail-on = 'always'", "review.fail-on: must be one of never, low, medium, high"),
        ("[review]\nopt-out = ['x']", "review.opt-out: must be a text"),
        ("review = 3", "review: must be a table"),
        ("jobs = 0", "jobs: must be a whole number above 0"),
        ("jobs = true", "jobs: must be a whole number above 0"),
        ("confidence = 'sure'", "confidence: must be one of low, medium, high"),
        ("rules = ['x']", "rules: must be a table"),
        ("jobs = ", "is not valid TOML"),
        ("a = " + "[" * 20_000, "is not valid TOML"),
    ],
)
def test_a_mistake_is_said_where_it_stands(tmp_path: Path, text: str, words: str) -> None:
    message = complaint(tmp_path, text)
    assert message.startswith(".repairbot.toml")
    assert words in message


def test_an_unknown_rule_names_the_nearest(tmp_path: Path) -> None:
    rule = rule_ids()[0]
    message = complaint(tmp_path, f"rules = {{ {rule}x = true }}")
    assert message == f".repairbot.toml: rules.{rule}x: unknown key; did you mean {rule!r}?"


def test_the_nearest_configuration_counts_and_the_search_ends_at_the_top(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.repairbot]\n")
    assert find(inner, Path("/")) == tmp_path / "pyproject.toml"
    assert find(inner, tmp_path / "a") is None
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\n")
    assert find(inner, Path("/")) == tmp_path / "pyproject.toml"
    (tmp_path / "a" / ".repairbot.toml").write_text("")
    assert find(inner, Path("/")) == tmp_path / "a" / ".repairbot.toml"
