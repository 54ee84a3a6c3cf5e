"""What the ledger says of its own upkeep: restores, the keys of publishers, and digests of rows."""
