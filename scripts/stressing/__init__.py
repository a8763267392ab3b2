"""What scripts/stress does: random commands, and the look at what they left."""
