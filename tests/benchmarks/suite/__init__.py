"""A benchmark that others can run: the ledger's work beside rivals in their best form.

``bash .ci/scale python -m tests.benchmarks.suite --out samples.json`` runs all of it from a fixed
seed, takes turns so that a drift of the machine meets both sides, prints medians and ranges, and
writes every sample. Durability is the same on both sides; each side's answer is checked.
"""
