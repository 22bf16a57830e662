"""When a webhook fails, and when it is deactivated for it."""
