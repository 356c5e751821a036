"""The report: one HTML file about a run, or about anybody's checked molecules, that needs no network."""
