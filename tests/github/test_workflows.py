"""The workflows, the Action's description, and what README tells people to write."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from repairbot.github import event as events
from repairbot.github.errors import GitHubError
from repairbot.github.surroundings import InputError, Inputs
from tests.github.actionlint import lint
from tests.github.rig.descriptions import description
from tests.github.runner import BIN, ROOT, action

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.yml"))}
README = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
EVENTS = ("pull_request", "issue_comment", "pull_request_review_comment", "workflow_run", "push", "schedule")

Json = dict[str, Any]


def parsed(text: str) -> Json:
    held: Json = yaml.load(text, yaml.BaseLoader)  # `on` is a text here, and not true
    return held


def jobs(workflow: Json) -> list[Json]:
    return list(workflow["jobs"].values())


def test_actionlint_finds_nothing() -> None:
    assert lint(WORKFLOWS) == []


def test_actionlint_would_find_something() -> None:
    job = {"runs-on": "ubuntu-24.04", "steps": [{"run": "echo ${{ github.nothing }}"}]}
    wrong = json.dumps({"on": "pull_request", "jobs": {"a": job}})
    (found,) = lint({"wrong.yml": wrong})
    assert "nothing" in found


def scripts() -> dict[str, str]:
    """Every script, by where it stands."""
    found = {".ci/run": (ROOT / ".ci" / "run").read_text().partition("\n")[2]}
    found |= {
        f"action.yml {n}": each["run"] for n, each in enumerate(action()["runs"]["steps"]) if "run" in each
    }
    for name, text in WORKFLOWS.items():
        for job in jobs(parsed(text)):
            found |= {
                f"{name} {n}": each["run"] for n, each in enumerate(job.get("steps", ())) if "run" in each
            }
    return found


@pytest.mark.parametrize("where", scripts())
def test_scripts_hold_no_expression_and_shellcheck_finds_nothing(where: str) -> None:
    script = scripts()[where]
    assert "${{" not in script, "an expression in a script is run as a part of it"
    assert not re.search(r"python\S* -m (?!venv)", script), "a module is looked for where the step stands"
    done = subprocess.run(
        [BIN / "shellcheck", "--shell=bash", "--exclude=SC2317", "-"],
        input=f"set -e -o pipefail\n{script}",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_what_the_action_installs_is_what_the_project_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lock = (ROOT / ".github" / "actions" / "repairbot" / "requirements.txt").read_text()
    locked = {name.lower(): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE)}
    for wanted in map(
        Requirement, [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    ):
        name = wanted.name.lower()
        assert name in locked and locked[name] in wanted.specifier, f"{wanted}: make lock"  # noqa: PT018
    assert re.findall(r"^[\w.-]+==[^\\\n]*$", lock, re.MULTILINE) == []  # each goes on with its hashes


def test_no_step_of_the_action_stands_in_the_workspace() -> None:
    for step in action()["runs"]["steps"]:
        if "run" in step:
            assert step["working-directory"] == "${{ runner.temp }}"


def test_every_input_is_documented_and_read() -> None:
    declared = action()["inputs"]
    assert all(each["description"] for each in declared.values())
    (step,) = (each for each in action()["runs"]["steps"] if each.get("id") == "run")
    read = {re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", each) for each in step["env"].values()}
    assert {each[1] for each in read if each} == set(declared) - {"python-version"}
    for name, given in step["env"].items():
        if name.startswith("REPAIRBOT_"):
            with pytest.raises(InputError, match=name.removeprefix("REPAIRBOT_").replace("_", "-").lower()):
                Inputs.of({name: "no such thing"})
            assert name == "REPAIRBOT_" + given[len("${{ inputs.") : -len(" }}")].replace("-", "_").upper()


LEAST = {
    "review.yml": {"contents": "read", "pull-requests": "write", "checks": "write"},
    "review-forks.yml": {"actions": "read", "contents": "read", "pull-requests": "write", "checks": "write"},
    "review-commands.yml": {
        "contents": "write",
        "pull-requests": "write",
        "issues": "write",
        "checks": "write",
    },
    "audit.yml": {"contents": "read", "issues": "write"},
}
"""What each workflow's job may do. The tests of the Action run with these rights and no others."""


@pytest.mark.parametrize("name", LEAST)
def test_each_workflow_has_the_least_rights_and_can_be_called(name: str) -> None:
    workflow = parsed(WORKFLOWS[name])
    assert workflow["permissions"] == {}
    assert [job["permissions"] for job in jobs(workflow)] == [LEAST[name]]
    assert "workflow_call" in workflow["on"]
    assert [step["uses"] for job in jobs(workflow) for step in job["steps"]] == [
        "$/.github/actions/repairbot"
    ]


def test_the_second_workflow_waits_for_the_first() -> None:
    waits = parsed(WORKFLOWS["review-forks.yml"])["on"]["workflow_run"]["workflows"]
    assert waits == [parsed(WORKFLOWS["review.yml"])["name"]]


def offered() -> dict[str, str]:
    """The workflow files that README offers, filled in as a reader would."""
    blocks = [each for each in README if "jobs:" in each]
    return {
        f"README-{number}.yml": each.replace("OWNER/", "octo/").replace("@COMMIT", f"@{COMMIT}")
        for number, each in enumerate(blocks)
    }


def test_actionlint_accepts_what_readme_offers(tmp_path: Path) -> None:
    assert len(offered()) == 2
    assert lint(offered()) == []
    for name, text in offered().items():
        (tmp_path / name).write_text(text)
        schema = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows")
        done = subprocess.run(
            [BIN / schema[0], *schema[1:], tmp_path / name], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_what_readme_offers_is_there_and_gets_the_rights_it_needs() -> None:
    first, second = (parsed(text) for text in offered().values())
    (review,) = jobs(first)
    assert review["permissions"] == LEAST["review.yml"]
    (step,) = review["steps"]
    assert step["uses"] == f"octo/repairbot/.github/actions/repairbot@{COMMIT}"
    assert set(step["with"]) <= set(action()["inputs"])
    for job in jobs(second):
        path, _, commit = job["uses"].removeprefix("octo/repairbot/").partition("@")
        assert (ROOT / path).is_file()
        assert commit == COMMIT
        # GitHub refuses to start a called workflow that asks for more than the caller has.
        assert job["permissions"] == LEAST[Path(path).name]
    assert second["on"]["workflow_run"]["workflows"] == [first["name"]]


def test_recorded_events_are_read(tmp_path: Path) -> None:
    recorded = json.loads(description("webhooks.json").read_bytes())
    count = 0
    for each in recorded:
        if each["name"] not in EVENTS:
            continue
        for payload in each["examples"]:
            file = tmp_path / "event.json"
            file.write_text(json.dumps(payload))
            assert events.load(each["name"], str(file))
            count += 1
    assert count > 40


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("pull_request", {}),
        ("pull_request", []),
        ("workflow_run", {"workflow_run": None}),
        ("issue_comment", {"action": "created"}),
    ],
)
def test_what_is_no_event_is_said_so(tmp_path: Path, name: str, payload: object) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(payload))
    with pytest.raises(GitHubError, match=f"no {name} event"):
        events.load(name, str(file))
