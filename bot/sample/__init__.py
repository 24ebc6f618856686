"""The bundled papers: facts of theirs, and words of ours about them."""
