"""The till without Qt and without SQL: rules, messages, ports, jobs."""
