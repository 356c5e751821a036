"""One module for each group of sections of the report; each function takes the evidence and gives HTML."""
