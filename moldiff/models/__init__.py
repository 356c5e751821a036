"""A trained model in one file, and the weights that ship."""
