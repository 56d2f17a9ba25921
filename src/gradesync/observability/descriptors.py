"""Share the descriptors of a process: what it opens by itself must leave some for all else."""

import resource
import sys


def count_descriptors() -> int:
    """Return how many descriptors this process may have."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if allowed == resource.RLIM_INFINITY else allowed


def limit_share(most: int, part: int) -> int:
    """Return how many connections of a kind to open: `most` of them, or one `part` of few descriptors."""
    return min(most, max(1, count_descriptors() // part))
