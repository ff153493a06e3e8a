"""Documents: a proven derivation as LaTeX, as text for a terminal, as JSON; a module a format."""
