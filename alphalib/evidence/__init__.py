"""What was tried, and what may be concluded from it: trial ledger, per-date IC, intervals and significance."""
