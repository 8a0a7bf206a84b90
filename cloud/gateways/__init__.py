"""Payment providers, each behind the same Protocol. A gateway knows no attempt state of ours."""
