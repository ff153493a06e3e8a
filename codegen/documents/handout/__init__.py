"""Derivation → Document: what a teacher takes into class, a section a file."""
