"""`podium up` under a profiler, which takes a good part of its speed; only what its event loop does is seen.

Run as `python -m benchmarks.profiled_gateway FILE`, its settings in the environment; FILE is for the module `pstats`.
"""

import cProfile
import sys

from gateway.commands import serving


def main() -> None:
    profile = cProfile.Profile()
    try:
        profile.runcall(serving.up, True)
    finally:
        profile.dump_stats(sys.argv[1])


if __name__ == "__main__":
    main()
