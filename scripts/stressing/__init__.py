"""The parts of scripts/stress: random commands, and the checks afterwards."""
