"""Provide a district file with no more than it needs."""

SHORT = """id = "riverside"
name = "Riverside Unified"
timezone = "America/Los_Angeles"
[schoology]
consumer_key = "key"
consumer_secret = "secret"
[sis]
kind = "powerschool"
base_url = "https://sis.example.org"
client_id = "id"
client_secret = "hush"
"""
