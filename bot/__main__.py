"""`python -m bot` is the command `paperround`."""

import sys

from bot.cli.main import main

sys.exit(main())
