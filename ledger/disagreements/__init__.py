"""Facts that disagree: found when they arrive, held where a policy says so, decided by an officer."""
