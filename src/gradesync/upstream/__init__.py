"""Reach upstream systems: calls, their budget, where they may go, what they cost."""
