"""What was meant, sent, answered and filled: written before it is sent, and read after every fall."""
