"""Simulate Schoology, PowerSchool and an LTI platform strictly, over HTTP, with invented data."""
