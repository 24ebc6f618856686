"""What every worker would import for itself: the server from which they are forked does it once."""

import gc

from tests.forked import import_everything
from tests.store_template import build_file_template, copy_new_stores

import_everything()
copy_new_stores()
build_file_template()
gc.freeze()
