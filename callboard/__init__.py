"""Callboard sends webhooks: the domain, free of any web framework."""

import os

__version__ = "0.1.0"

# Piccolo finds its engine through this name; setting it here spares every entry
# point and test a file in the root.
os.environ.setdefault("PICCOLO_CONF", "callboard.piccolo_conf")
