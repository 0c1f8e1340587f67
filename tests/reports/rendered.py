"""Markdown as two renderers show it: markdown-it, and cmark-gfm, which is GitHub's own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import cmarkgfm  # type: ignore[import-untyped]
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]
from markdown_it import MarkdownIt

VOID = {"br", "hr", "img", "input"}


@dataclass
class Page(HTMLParser):
    """Tags in their order, the text outside and inside of code, and the rows of its tables."""

    html: str
    tags: list[str] = field(default_factory=list)
    text: str = ""
    codes: list[str] = field(default_factory=list)
    comments: int = 0

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.feed(self.html)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "code":
            self.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag, f"{tag} does not close what is open"

    def handle_data(self, data: str) -> None:
        if "code" in self.open:
            self.codes[-1] += data
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments += 1


def pages(markdown: str) -> tuple[Page, Page]:
    """The same text through both renderers, raw HTML allowed as GitHub allows some."""
    with_it = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown)
    with_gfm = cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE)
    return Page(with_it), Page(with_gfm)


# What GitHub makes something of in text that is not code.
MAGIC = re.compile(
    r"@\w|#\d|\bGH-\d|://|\bwww\.|:\w+:|\b[0-9a-f]{7,40}\b|\$\S|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]"
)
