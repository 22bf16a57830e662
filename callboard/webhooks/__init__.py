"""Webhooks: what may be set, what state they are in, which keys they sign with."""
