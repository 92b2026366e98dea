"""Tables to arrays: cleaning, splits, the preprocessor, leakage checks."""
