"""Call upstream systems: the HTTP client, rate limits, circuit breakers, allowed addresses, metrics."""
