"""What a session made of the account: end of day, trade log, record."""
