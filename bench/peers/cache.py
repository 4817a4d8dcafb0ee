"""Where peers and the models made for them live, outside the repository."""

import os
import pathlib


def cache():
    """$XDG_CACHE_HOME/pomona-bench (created)."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    folder = pathlib.Path(base) / "pomona-bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def peers_root():
    """$POMONA_PEERS if set (a folder that holds peers' trees already), else cache()."""
    return pathlib.Path(os.environ.get("POMONA_PEERS") or cache())
