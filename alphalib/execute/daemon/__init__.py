"""The process that trades a session: connection, prices, steps, and who is told."""
