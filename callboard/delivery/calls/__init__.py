"""One call: to whom, what is in it, in whose name, and sending it within its time."""
