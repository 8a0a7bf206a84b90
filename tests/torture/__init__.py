"""The torture of the till and its cloud, in layers. `python -m tests.torture` runs them all."""
