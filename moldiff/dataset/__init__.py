"""The featurized set on disk, its splits and statistics, and the loader of its batches."""
