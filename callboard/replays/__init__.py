"""Deliveries made again on request, many at once."""
