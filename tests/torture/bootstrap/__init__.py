"""BOOTSTRAP: a new till is killed while its shop comes in, again and again, and still ends exact."""
