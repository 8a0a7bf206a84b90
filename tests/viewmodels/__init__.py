"""View-models without QML."""
