"""The policy workshop: what a policy's author needs before a file is adopted."""
