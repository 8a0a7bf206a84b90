"""The till's plumbing: models, tasks, words, pictures and scanner, without any screen."""
