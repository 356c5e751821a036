"""The report: one HTML file about a run, or about any checked molecules, that needs no network."""
