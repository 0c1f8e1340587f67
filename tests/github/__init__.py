"""Reviews on GitHub: the pure part, the client, and the rig that stands in for GitHub."""
