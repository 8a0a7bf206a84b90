"""Tests of the benchmark's harness on a small shop; none of them looks at a time."""
