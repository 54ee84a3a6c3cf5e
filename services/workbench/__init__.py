"""The auditor's workbench: from a bundle alone, offline, to papers, samples and a draft of the opinion.

``open`` verifies a bundle and keeps its events, readable, in one SQLite file; everything else reads
that file. Nothing here opens a ledger's database.
"""
