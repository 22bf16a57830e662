"""Mails to people: what they are told, when, and the links in them."""
