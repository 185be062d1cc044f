"""How fast camlib is, how much memory it takes and whether it agrees with others: `make benchmark`."""
