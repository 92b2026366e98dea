"""How much time, memory and disk a number of rows will take, from what earlier runs took."""
