"""Metrics of any molecules: RDKit molecules in, named values out, one question a function."""
