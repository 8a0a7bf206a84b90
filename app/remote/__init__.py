"""Everything that speaks HTTP to the cloud. Loaded after the first frame, never before."""
