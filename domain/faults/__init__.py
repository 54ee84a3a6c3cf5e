"""What can be wrong: codes as data, their words in both languages, and faults that name them.

A new code is one block in ``codes/`` and the place that raises it; API, command line, console,
marked sheets and docs/errors.md take its words from here.
"""
