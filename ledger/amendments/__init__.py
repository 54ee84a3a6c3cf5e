"""Facts that a source said, corrected or retracted at the desk by two persons."""
