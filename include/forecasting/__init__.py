"""How much time, memory and disk a number of rows will take, from a probe on small shares."""
