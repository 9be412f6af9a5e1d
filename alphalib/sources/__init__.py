"""Where data comes from, one file a vendor; `stored` reads back what they wrote to the bus."""
