"""Bounds that the pipeline file and the trigger form share; each has its one home here."""

from typing import Final

MAX_EPOCHS: Final = 10_000
MAX_BATCH_SIZE: Final = 1_048_576
# Far beyond any use, and still a finite float32.
MAX_LEARNING_RATE: Final = 1e30
# Beyond any table, and still a number that every part of the way can carry.
MAX_ROWS: Final = 10**15
MAX_HIDDEN_LAYERS: Final = 50
MAX_UNITS: Final = 65_536
# What every generator of random numbers takes, with an epoch added.
MAX_SEED: Final = 2**31 - 1
