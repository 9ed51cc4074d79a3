"""The kernels that the tests of this folder share are a module beside them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
