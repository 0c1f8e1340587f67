"""The terminal report, as a person reads it."""

from __future__ import annotations

from repairbot.model import Outcome
from repairbot.reports import Options, render

from .factory import audit, file, finding, fix, sample


def test_a_finding_reads_as_a_place_a_sentence_a_path_and_its_bound() -> None:
    text = render("terminal", sample(), options=Options(diff=True))
    start = text.index("service/health.py:11")
    assert text[start : text.index("service/jobs.py:3")] == (
        "service/health.py:11  unbounded-collection  high, safe\n"
        "  self.latencies grows in record() on every request and is never shrunk\n"
        "     6  self.history = deque(maxlen=window)    its sibling is bounded\n"
        "    11  self.latencies[agent].append(seconds)  grows here\n"
        "    15  return self.latencies[agent][-100:]    all that anyone reads\n"
        "  bound: the last 100 an agent (line 15); trimmed, not a deque, because line 15 slices\n"
        "  would be repaired: keep the last 100 an agent\n"
        "  checked: parses · comments kept · finding gone · nothing new · idempotent\n"
        "\n"
        "           self.latencies[agent].append(seconds)\n"
        "  +        del self.latencies[agent][:-100]\n"
        "           self.count += 1\n"
        "\n"
    )


def test_the_last_lines_count_every_file_and_what_was_left_aside() -> None:
    text = render("terminal", sample())
    assert text.endswith(
        "service/huge.py  failed  took more than 30 s\n"
        "7 files: 2 would be repaired, 2 reported without a repair (why: --verbose), 1 clean, "
        "1 skipped (does not parse: Python 2 print statement), 1 failed; 1 suppressed in the code\n"
        "1 repair would choose for you: --unsafe-fixes\n"
    )
    assert "2 repaired, 2 reported" in render("terminal", sample(dry=False))
    assert "4 with 5 leaks, 1 clean" in render("terminal", sample("audit"))


def test_a_choice_is_told_apart_from_a_repair() -> None:
    text = render("terminal", sample())
    assert "service/jobs.py:3  unbounded-collection  medium, unsafe\n" in text
    assert "  your choice: Nothing in the code names a bound" in text
    assert "  not applied: keep the last 1,000\n" in text


def test_verbose_says_why_there_is_no_repair_and_what_was_passed_over() -> None:
    text = render("terminal", sample(), options=Options(verbose=True))
    assert "  no repair: stop() is defined by a base class in another file\n" in text
    assert "service/jobs.py:40  note  run() passed over: 5,000 branches\n" in text
    assert "service/health.py:6  verified safe  Health: self.history; deque with maxlen=window\n" in text
    assert "service/legacy.py  skipped  does not parse" in text
    assert "tracking stopped at 3 places where the owner is not known\n" in text
    assert "no repair: stop()" not in render("terminal", sample())


def test_colour_is_only_where_it_is_wanted() -> None:
    assert "\x1b" not in render("terminal", sample(), options=Options(diff=True, verbose=True))
    coloured = render("terminal", sample(), options=Options(diff=True, colour=True))
    assert "\x1b[32m+        del self.latencies[agent][:-100]\x1b[0m" in coloured


def test_what_a_file_holds_cannot_command_the_terminal() -> None:
    hostile = "x\x1b[2J\u202e\r\nfake  failed"
    text = render(
        "terminal",
        audit(
            file(
                hostile,
                finding(
                    hostile,
                    message=hostile,
                    rule=hostile,
                    fix=fix("a\x1b[2J\n", "b\x1b]0;\x07\n", title=hostile),
                ),
                outcome=Outcome.FAILED,
                reason=hostile,
            ),
            problems=(hostile,),
        ),
        options=Options(diff=True, verbose=True),
    )
    assert not {"\x1b", "\u202e", "\r", "\x07"} & set(text)
    assert not any(line.startswith("fake") for line in text.splitlines())


def test_quiet_is_silent_when_nothing_was_found() -> None:
    assert render("terminal", audit(file()), options=Options(quiet=True)) == ""
    assert render("terminal", audit(file())) == "1 file: 1 clean\n"
    assert render("terminal", sample(), options=Options(quiet=True)).count("\n") == 3


def test_files_that_were_skipped_for_one_reason_are_counted_together_wherever_in_them_it_is() -> None:
    reasons = (
        "line 3: syntax error",
        "line 40: syntax error",
        "line 2: not valid Python 3 (print statement)",
        "binary",
    )
    files = [file(f"a{at}.py", outcome=Outcome.SKIPPED, reason=why) for at, why in enumerate(reasons)]
    text = render("terminal", audit(*files))
    assert "4 skipped (2 syntax error, binary, not valid Python 3 (print statement))" in text
