"""Event types, the tree of context tags, and the ready catalogues."""
