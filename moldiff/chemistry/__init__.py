"""Reading, standardising, conformers and identity of molecules, with RDKit and numpy."""
