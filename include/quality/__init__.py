"""Data quality with Great Expectations: suites from the contract, engines, outcomes."""
