"""Strict stand-ins for Schoology, PowerSchool and an LTI platform, over HTTP, with invented data."""
