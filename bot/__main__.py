"""`python -m bot` is the command `paperround`."""

from bot.cli.main import run_process

run_process()
