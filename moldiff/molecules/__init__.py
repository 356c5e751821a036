"""Batches of molecules, their pairs and noise levels: the words that all above share."""
