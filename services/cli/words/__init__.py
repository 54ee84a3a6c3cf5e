"""The words of the command line in Chinese; its English stands beside the code, as docstrings and helps."""
