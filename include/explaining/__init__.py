"""Why a model says what it says: importance of columns, shares of a row's output, thresholds.

Pure computation on arrays; what is predicted and measured by is handed in as functions.
"""
