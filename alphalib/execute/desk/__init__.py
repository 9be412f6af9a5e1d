"""What is known of one session, and what is to be done next."""
