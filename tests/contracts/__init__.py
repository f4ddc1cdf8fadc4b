"""Registries: instances of every member of a family, over which the family's contract tests run."""
