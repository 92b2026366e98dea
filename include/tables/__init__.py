"""Tables at rest: Parquet directories with a manifest, the sources they come from, DuckDB."""
