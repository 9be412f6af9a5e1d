"""Decisions simulated day by day, judged beside their benchmarks, rebuilt by vectorbt; the one place that lags."""
