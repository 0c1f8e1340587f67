"""The leak measured before and after: two private worktrees, one command, detectors and statistics.

This room runs the user's own code. Nothing of it is part of the App or of a review.
"""


class ProofError(Exception):
    """The measurement cannot be made. What happened and what to do, in one or two sentences."""
