"""Benchmarks: reproducible, each writes its own page in docs/benchmarks/. `make bench` runs them all."""
