"""Metrics of anybody's molecules: RDKit molecules in, named values out, one question a function."""
