"""Everything on one machine: the processes, Redis, and that they end together."""
