"""What a value is, in one home: casts, marks, times, hashes, statistics; it travels with models."""
