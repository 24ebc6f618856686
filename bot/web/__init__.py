"""The HTTP port for monitors."""
