"""The tasks of a scoring run: new rows are read and checked, predicted in shards, delivered."""
