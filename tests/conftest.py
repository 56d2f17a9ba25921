"""What all tests share."""

import hypothesis

pytest_plugins = ["harness.servers", "harness.runtimes"]

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")
