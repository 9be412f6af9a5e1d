"""Interactive Brokers in our own words: the only place that knows its client library."""
