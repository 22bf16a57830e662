"""Who a webhook is to its receiver: passwords, tokens, certificates."""
