"""A stand-in for PowerSchool: its plugin API over HTTP, as strict as the public evidence allows."""
