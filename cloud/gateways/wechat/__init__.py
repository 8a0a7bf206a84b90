"""WeChat Pay, version 3 of its interface (JSON both ways, signatures in the headers)."""
