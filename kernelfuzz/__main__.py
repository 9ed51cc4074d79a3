"""``python -m kernelfuzz``."""

import sys

from kernelfuzz.cli import main

if __name__ == "__main__":
    sys.exit(main())
