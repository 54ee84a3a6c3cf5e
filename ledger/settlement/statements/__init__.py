"""What the bank says in XML and in statements: read, and held beside the payments of a year."""
