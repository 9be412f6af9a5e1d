"""From a decision to orders: the plan of a morning."""
