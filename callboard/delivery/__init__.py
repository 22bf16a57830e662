"""Events on their way: who is called next, the call, and what came of it."""
