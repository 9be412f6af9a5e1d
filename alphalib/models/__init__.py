"""From features to predictions: design matrix, purged splits, trees, walk-forward, the gate, and the model in use."""
