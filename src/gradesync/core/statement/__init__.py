"""State what became of a section's scores in a period, in lines and totals that close."""
