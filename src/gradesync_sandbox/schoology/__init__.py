"""Schoology's REST API v1, simulated: its state, its wire and its strictness."""
