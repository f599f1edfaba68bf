"""The gateway as one process with its worker inside, everything on: keys, decisions, holds, durable settlement.

Run as `python -m benchmarks.gateway_server`, its settings in the environment; it prints its port. With a file's name
as an argument it profiles its event loop into that file, which halves its speed.
"""

import cProfile
import sys

from benchmarks.serving import serve
from gateway.main import create_app


def main() -> None:
    if len(sys.argv) < 2:
        serve(create_app())
        return
    profile = cProfile.Profile()
    try:
        profile.runcall(serve, create_app())
    finally:
        profile.dump_stats(sys.argv[1])


if __name__ == "__main__":
    main()
