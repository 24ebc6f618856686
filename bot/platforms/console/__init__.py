"""A terminal, or a log: the smallest platform, and the one to copy."""
