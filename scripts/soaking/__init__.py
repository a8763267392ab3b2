"""The parts of scripts/soak: clients that know what must be there, events, and the figures of a long run."""
