"""The same application with each framework, and a browser."""
