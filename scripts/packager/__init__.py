"""What scripts/package consists of."""
