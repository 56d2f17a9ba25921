"""Simulate PowerSchool's plugin API over HTTP, as strictly as the public evidence allows."""
