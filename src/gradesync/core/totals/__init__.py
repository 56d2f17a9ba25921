"""Explain why a student's total differs between the source and the SIS."""
