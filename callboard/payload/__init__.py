"""Pure: what is sent of an event, and how it is written."""
