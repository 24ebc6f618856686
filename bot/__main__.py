"""`python -m bot` is the command `paperround`."""

import sys

from bot.cli import main

sys.exit(main())
