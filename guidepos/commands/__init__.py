"""One file per command of `guidepos`."""
