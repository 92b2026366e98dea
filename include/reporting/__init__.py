"""Pages that people read: the run report and its figures."""
