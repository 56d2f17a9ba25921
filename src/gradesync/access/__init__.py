"""Decide who may do what: our own tokens, LTI launches, and rate limits of requests."""
