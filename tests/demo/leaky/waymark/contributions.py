"""Who did what. Kept on disk, because people ask years later."""

import json
from pathlib import Path


class ContributionLog:
    """The contributions of every agent, oldest first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.contributions: list[dict[str, str]] = []
        if path.exists():
            self.contributions = json.loads(path.read_text())

    def add(self, agent: str, what: str) -> None:
        """Note one contribution and save them all."""
        self.contributions.append({"agent": agent, "what": what})
        self.save()

    def save(self) -> None:
        """Write all of them."""
        self.path.write_text(json.dumps(self.contributions))

    def of(self, agent: str) -> list[str]:
        """What this agent did."""
        return [entry["what"] for entry in self.contributions if entry["agent"] == agent]
