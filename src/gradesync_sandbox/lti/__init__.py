"""Simulate an LTI platform like Schoology's: signed launches for the people of the invented district."""
