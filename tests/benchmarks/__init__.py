"""Speed and memory, measured in one run on one tree. Nothing here asserts a time."""
