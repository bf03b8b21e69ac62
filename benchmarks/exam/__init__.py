"""The exam of the data quality: a company whose records are broken on purpose, loaded by the real pipeline, and every
table held against the truth and the ledger of faults. `python -m benchmarks.exam` writes docs/quality-exam.md.
"""
