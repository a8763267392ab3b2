"""The tests of the frameworks."""
