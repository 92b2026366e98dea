"""The gate: whether a candidate becomes the champion, and how sure that is.

Pure decisions and their statistics, over arrays and records: nothing here measures a model,
reads a file or knows MLflow. `estimates` bounds what was measured, `dependence` says which rows
speak for themselves, `budget` what a further try on the same rows costs, `gates` decides.
"""
