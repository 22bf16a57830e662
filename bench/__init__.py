"""The benchmark: real processes, real requests, one table. See README.md here."""
