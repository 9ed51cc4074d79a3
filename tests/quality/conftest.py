"""What the programs of this folder are made of is a module beside them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
