"""What the people who run the cloud see of it: figures and log lines, never anybody's data."""
