"""What a bank is given beside pain.001: the payees' accounts, looked through, and banks' own forms."""
