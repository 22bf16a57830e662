"""Which addresses may be called, and the transport that keeps to it."""
