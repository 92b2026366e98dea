"""Frames to arrays with pandas: cleaning, splits, the preprocessor, leakage checks."""
