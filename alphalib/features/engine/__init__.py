"""The engine: compiled kernels over time and across names, and the evaluator that calls them by blocks."""
