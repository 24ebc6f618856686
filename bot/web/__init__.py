"""Answers over HTTP: to monitors, programs and the operator's browser."""
