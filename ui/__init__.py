"""The screen: the only package that imports Qt. It calls services and shows values."""
