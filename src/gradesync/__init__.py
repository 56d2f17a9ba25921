"""Sync assignments and scores from Schoology to the district's SIS."""
