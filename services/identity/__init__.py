"""Who asks, and what they may: tokens of people, keys of machines, one table of access."""
