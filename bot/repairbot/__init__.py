"""repairbot finds memory and resource leaks and repairs them; every patch it shows was checked."""

__version__ = "0.1.0"
