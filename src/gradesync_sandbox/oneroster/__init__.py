"""Simulate a SIS that takes grades over OneRoster 1.1 or 1.2, strict by the standard's schemas."""
