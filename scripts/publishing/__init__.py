"""The site: which files are its pages, how they look, and the checks of what was built. scripts/site uses it."""
