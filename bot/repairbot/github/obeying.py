"""Doing what people with write access ask for in comments, and answering: a reaction, a word where one is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from repairbot.baseline import BaselineError
from repairbot.config import ConfigError, nearest
from repairbot.github.auditing import Auditor
from repairbot.github.client import GitHub, repository
from repairbot.github.commands import HELP, Asked, Command, Unclear, parse
from repairbot.github.errors import Denied, GitHubError, HeadMoved
from repairbot.github.event import Said
from repairbot.github.fixing import Asked as Wanted
from repairbot.github.fixing import Fixed, NothingToFix, fix
from repairbot.github.model import BODY_LIMIT
from repairbot.pool import BrokenWorker
from repairbot.reports import RuleInfo
from repairbot.reports.markdown import rule_page
from repairbot.reports.markup import Safe, clip, code, own, plain
from repairbot.reports.view import plural
from repairbot.sources import SourceError

Reaction = Literal["eyes", "+1", "confused"]
TROUBLE: Final = (GitHubError, ConfigError, SourceError, BaselineError, BrokenWorker)
"""What one command may fail of while the next is still tried."""
PATIENCE: Final = 10
"""Seconds that GitHub gets to notice a commit that was pushed."""
_MARK: Final = "<!-- repairbot:answer {} -->"


@dataclass(slots=True)
class Obedience:
    """Answers one comment. `log` hears what is done. `review` looks at the pull request again, posts, and says why
    nothing was looked at, "" where something was."""

    client: GitHub
    auditor: Auditor
    repo: str
    said: Said
    rules: Callable[[], Mapping[str, RuleInfo]]
    review: Callable[[int], str]
    log: Callable[[str], None]
    _words: list[Safe] = field(default_factory=list)
    _failed: bool = False

    def obey(self) -> bool:
        """Do what the comment asks for. False where something of it failed. Raises GitHubError where GitHub is away."""
        asked = parse(self.said.body)
        if not asked:
            self.log("nothing to do: no line of the comment begins with /repairbot")
            return True
        if not self.client.may_write(repository(self.repo), self.said.author):
            # A reaction and no words: anybody may comment, and nobody is to make us talk.
            self.log("nothing done: commands count from people with write access")
            self._react("confused")
            return True
        if not self._react("eyes"):
            self.log(
                "nothing done: this run's token may not write. A comment on lines of a fork's pull request runs "
                "without rights: write the command on the pull request's page"
            )
            return False
        for each in asked:
            self._do(each)
        if self._words:
            self._answer(own("\n\n".join(self._words)))
        self._react("confused" if self._failed else "+1")
        return not self._failed

    def _do(self, asked: Asked) -> None:
        if isinstance(asked, Unclear):
            self._fail(own(f"{asked.why}\n\n{_help()}"))
            return
        self.log(f"asked for: {asked.verb}")
        try:
            match asked.verb:
                case "help":
                    self._words.append(_help())
                case "explain":
                    self._explain(asked)
                case "rerun":
                    self._review()
                case "dismiss":
                    self._dismiss(asked)
                case "fix" | "fix all":
                    self._fix(unsafe=asked.verb == "fix all")
        except NothingToFix as error:
            self._fail(own(f"Nothing to repair: {plain(str(error))}."))
        except HeadMoved:
            self._fail(own("The branch moved on while it was looked at. Once it rests: `/repairbot rerun`."))
        except TROUBLE as error:
            self._fail(own(f"{code(f'/repairbot {asked.verb}')} failed: {plain(str(error))}."))

    def _fail(self, words: Safe) -> None:
        self._failed = True
        self._words.append(words)
        self.log(str(words))

    def _explain(self, asked: Command) -> None:
        rules = self.rules()
        info = rules.get(asked.rule)
        if info is None:
            self._fail(own(f"There is no rule {code(asked.rule)}{plain(nearest(asked.rule, rules))}."))
            return
        self._words.append(own(rule_page(info)))

    def _dismiss(self, asked: Command) -> None:
        """The plan reads dismissals itself, from the thread; here it is only made to look."""
        if not self.said.thread and not asked.named:
            self._fail(own("`dismiss` belongs into the thread of the finding: answer there."))
            return
        self._review()

    def _review(self) -> None:
        if why := self.review(self.said.number):
            self._fail(own(f"Not looked at: {plain(why)}."))

    def _fix(self, *, unsafe: bool) -> None:
        wanted = Wanted(thread=0 if unsafe else self.said.thread, unsafe=unsafe)
        try:
            fixed = fix(self.client, self.auditor, self.repo, self.said.number, wanted, self.said.author)
        except Denied as error:
            self._fail(
                own(
                    f"The commit could not be pushed: {plain(str(error))}. The workflow's own token reaches this "
                    "repository alone (`contents: write`) and no fork; the suggestions can be committed by hand, "
                    "or `repairbot fix` run on the branch."
                )
            )
            return
        self.log(f"pushed {fixed.commit[:12]}: {plural(len(fixed.applied), 'leak')} repaired")
        if fixed.left:
            self._fail(_left(fixed))
        if self._noticed(fixed.commit):
            # GitHub starts no workflow for a commit of the workflow's own token.
            self._review()

    def _noticed(self, commit: str) -> bool:
        """Whether the pull request stands at a commit that was just pushed."""
        for _ in range(PATIENCE):
            if self.client.head(self.repo, self.said.number) == commit:
                return True
            self.client.transport.clock.sleep(1.0)
        self.log("GitHub does not show the commit on the pull request yet; it is not looked at again")
        return False

    def _react(self, content: Reaction) -> bool:
        place = f"/repos/{self.repo}/{self.said.kind}/comments/{self.said.id}/reactions"
        try:
            self.client.transport.write("POST", place, {"content": content})
        except Denied as error:
            self.log(f"no reaction: {error}")
            return False
        return True

    def _answer(self, words: Safe) -> None:
        """Say it where the command stands, once: neither a lost answer of GitHub's nor a run that was cut off and is
        done again makes a second comment."""
        mark = _MARK.format(self.said.id)
        body = f"{clip(words, BODY_LIMIT - len(mark) - 2)}\n\n{mark}"
        transport, number = self.client.transport, self.said.number
        if self.said.thread:
            listed = f"/repos/{self.repo}/pulls/{number}/comments"
            place = f"{listed}/{self.said.thread}/replies"
        else:
            listed = place = f"/repos/{self.repo}/issues/{number}/comments"

        def found() -> bool | None:
            held = (each for page in transport.pages(listed) for each in page)
            ours = (each for each in held if (each["user"] or {}).get("type") == "Bot")
            return any(str(each["body"] or "").rstrip().endswith(mark) for each in ours) or None

        if not found():
            transport.write("POST", place, {"body": body}, found)


def _help() -> Safe:
    rows = "\n".join(f"- `/repairbot {verb}`: {words}" for verb, words in HELP.items())
    return own(f"{rows}\n\nFrom people with write access, each at the beginning of a line.")


def _left(fixed: Fixed) -> Safe:
    rows = [f"- {code(f'{finding.path}:{finding.line}')}: {plain(why)}" for finding, why in fixed.left[:20]]
    if len(fixed.left) > 20:
        rows.append(f"- and {len(fixed.left) - 20:,} more")
    head = f"{plural(len(fixed.applied), 'leak')} repaired, {len(fixed.left):,} left as they are:"
    return own("\n".join([head, "", *rows]))
