"""A small runner of GitHub Actions: the run steps of a composite action, with GitHub's variables and files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.github.rig import answers
from tests.github.rig.server import Rig
from tests.github.rig.state import Account

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "actions" / "repairbot"
BIN = Path(sys.executable).parent
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_OUTPUT = re.compile(r"^([\w-]+)<<(\S+)\n(.*?)\n?^\2$", re.MULTILINE | re.DOTALL)


def action() -> dict[str, Any]:
    """action.yml."""
    held: dict[str, Any] = yaml.safe_load((FOLDER / "action.yml").read_text())
    return held


def rights(workflow: str) -> dict[str, Any]:
    """What the job of one of our workflows may do, by the names that tokens know."""
    held = yaml.safe_load((ROOT / ".github" / "workflows" / workflow).read_text())
    (job,) = held["jobs"].values()
    return {name.replace("-", "_"): level for name, level in job["permissions"].items()}


@dataclass(slots=True)
class Ran:
    """How the steps ended. `uses`: the steps of others that were reached, each with what it is given."""

    code: int = 0
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    uses: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Runner:
    """Runs the action in a folder of its own. `installed`: whether its environment is there already."""

    rig: Rig
    home: Path
    token: str
    installed: bool = True

    def run(self, event: str, payload: dict[str, Any], **inputs: str) -> Ran:
        """All steps, as the runner goes through them (inputs with `_` for hyphens)."""
        ran, steps = Ran(), {}
        temp = self.home / "temp"
        temp.mkdir(parents=True, exist_ok=True)
        if self.installed and not (temp / "repairbot-venv").exists():
            (temp / "repairbot-venv" / "bin").mkdir(parents=True)
            (temp / "repairbot-venv" / "bin" / "repairbot").symlink_to(BIN / "repairbot")
        declared = action()
        given = {name: str(each.get("default", "")) for name, each in declared["inputs"].items()}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        values = {f"inputs.{name}": value for name, value in given.items()}
        values |= {"runner.temp": str(temp), "github.token": self.token}
        values["inputs.token"] = self.evaluate(values["inputs.token"], values)
        values["steps.python.outputs.python-path"] = sys.executable
        for step in declared["runs"]["steps"]:
            if not self.wanted(step.get("if", ""), values, ran.code):
                continue
            if "uses" in step:
                name = step["uses"].partition("@")[0]
                ran.uses[name] = {
                    key: self.evaluate(str(value), values) for key, value in step["with"].items()
                }
                continue
            found = self.step(step, values, event, payload, ran)
            for name, value in found.items():
                values[f"steps.{step.get('id')}.outputs.{name}"] = value
            steps[step.get("id")] = found
        ran.outputs = {
            name: self.evaluate(each["value"], values) for name, each in declared["outputs"].items()
        }
        return ran

    def step(
        self, step: dict[str, Any], values: dict[str, str], event: str, payload: dict[str, Any], ran: Ran
    ) -> dict[str, str]:
        """One run step by bash, as `shell: bash` has it; its outputs."""
        assert step["shell"] == "bash"
        assert not _EXPRESSION.search(step["run"]), "an expression in a script is run as a part of it"
        files = {name: self.home / name for name in ("output", "summary", "event")}
        files["output"].write_text("")
        files["summary"].touch()
        files["event"].write_text(json.dumps(payload))
        script = self.home / "script.sh"
        script.write_text(step["run"])
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(FOLDER),
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(files["event"]),
            "GITHUB_OUTPUT": str(files["output"]),
            "GITHUB_REPOSITORY": self.rig.state.full_name,
            "GITHUB_STEP_SUMMARY": str(files["summary"]),
            "GITHUB_WORKSPACE": str(self.home / "workspace"),
            "RUNNER_TEMP": values["runner.temp"],
            **{
                name: value
                for name, value in self.rig.environment(self.token).items()
                if name != "GITHUB_TOKEN"
            },
            "PIP_NO_COMPILE": "false",  # pip's way to say that it is on: most of what is installed is not imported
            **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ and self.installed},
            **{name: self.evaluate(str(value), values) for name, value in step["env"].items()},
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.evaluate(step["working-directory"], values),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
        ran.code = ran.code or done.returncode
        ran.log += done.stdout + done.stderr
        ran.summary = files["summary"].read_text()
        return {name: value for name, _, value in _OUTPUT.findall(files["output"].read_text())}

    @staticmethod
    def evaluate(text: str, values: dict[str, str]) -> str:
        """A text with its expressions, which are names alone, put in; an output that was not set is empty."""
        return _EXPRESSION.sub(lambda match: values.get(match[1], ""), text)

    @staticmethod
    def wanted(condition: str, values: dict[str, str], code: int) -> bool:
        """Whether a step is reached: the two forms of condition that action.yml holds."""
        if not condition:
            return code == 0
        asked = re.fullmatch(r"\$\{\{ !cancelled\(\) && ([\w.-]+) != '' \}\}", condition)
        assert asked, condition
        return bool(values.get(asked[1]))


def pulled(rig: Rig, number: int, action: str = "synchronize") -> dict[str, Any]:
    """The payload of a `pull_request` event."""
    pull = rig.state.pulls[number]
    return {
        "action": action,
        "number": number,
        "pull_request": answers.pull(rig.state, pull, rig.url, rig.url),
        "repository": answers.repository(rig.state),
        "sender": answers.account(pull.account),
    }


def finished(rig: Rig, number: int, run: int) -> dict[str, Any]:
    """The payload of a `workflow_run` event for a finished review of a pull request."""
    pull = rig.state.pulls[number]
    return {
        "action": "completed",
        "repository": answers.repository(rig.state),
        "workflow_run": {
            "id": run,
            "event": "pull_request",
            "conclusion": "success",
            "head_branch": pull.head_ref,
            "head_sha": pull.head,
            "head_repository": answers.repository(rig.state, pull.fork),
            "pull_requests": [],
        },
    }


def said(rig: Rig, number: int, body: str, account: Account, thread: int = 0) -> tuple[str, dict[str, Any]]:
    """Somebody comments: on the page, or in the thread that this comment opened. The event's name and payload."""
    from tests.github.rig.state import Comment, ReviewComment

    state = rig.state
    made = next(state.numbers)
    comment: dict[str, Any] = {"id": made, "body": body, "user": answers.account(account)}
    payload: dict[str, Any] = {
        "action": "created",
        "comment": comment,
        "repository": answers.repository(state),
    }
    if not thread:
        state.comments.append(Comment(made, number, account, body))
        payload["issue"] = {"number": number, "pull_request": {"url": ""}}
        return "issue_comment", payload
    found = state.thread_of(thread)
    assert found is not None
    first = found[1].comments[0]
    found[1].comments.append(
        ReviewComment(
            made,
            first.review,
            account,
            body,
            first.path,
            first.commit,
            first.line,
            first.side,
            reply_to=thread,
        )
    )
    comment["in_reply_to_id"] = thread
    payload["pull_request"] = {"number": number}
    return "pull_request_review_comment", payload
