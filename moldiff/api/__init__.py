"""The commands as functions over molecules in memory; `moldiff` itself offers them."""
