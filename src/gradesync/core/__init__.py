"""Hold the pure core: gradebooks, rules, decisions and plans. No network, no clock, no database."""
