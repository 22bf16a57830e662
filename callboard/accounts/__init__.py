"""Accounts, their members, API keys and sessions."""
