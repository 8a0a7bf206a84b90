"""Commands of `guidepos-cloud` that are more than a call: one file each, loaded when they run."""
