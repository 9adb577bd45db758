"""Benchmarks of the box office (`make bench`). The application does not import them."""
