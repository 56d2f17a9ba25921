"""Simulate Schoology's REST API v1: its state, its wire and its strictness."""
