"""Commands of ``python -m sparsecode``, one a file."""
