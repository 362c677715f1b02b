"""What scripts/mailweave is made of. Only Python's standard library: it must work before anything else does."""
