"""When to be smaller or out: graduated drawdown, correlation with what is held, trailing stops."""
