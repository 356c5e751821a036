"""The stages of the workflow: paths in, paths out."""
