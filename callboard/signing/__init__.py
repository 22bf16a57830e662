"""Pure: bytes in, headers out; the keys, and how a signature is examined."""
