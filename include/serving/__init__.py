"""The bundle that answers for a model outside its run: raw columns in, predictions out."""
