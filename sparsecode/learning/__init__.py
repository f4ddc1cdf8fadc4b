"""Learning of dictionaries: initial atoms, and update rules that any coder can drive."""
