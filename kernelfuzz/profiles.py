"""The Hypothesis profile "corpus": many fresh examples, nothing remembered, no clock.

Hypothesis runs ``register`` when it is imported, through the entry point, so that the profile is there before
pytest asks for it.  That is in every program that imports Hypothesis where kernelfuzz is installed: nothing
else is imported here, unless the program has the types of a kernel already.
"""

from __future__ import annotations

import sys

CORPUS = "corpus"

MAX_EXAMPLES = 200


def register(max_examples: int = MAX_EXAMPLES) -> None:
    """Register the profile, and the types of a kernel where they are imported.

    It says nothing by omission: where ``CI`` is set, a profile without a parent draws the same examples every
    time.  Health checks are off because a corpus is no judgement of the tests, and no failure is explained
    because that takes variations of the kernel that failed.
    """
    # Here, because the import runs this function: whoever imports this module first has to have it by then.
    from hypothesis import HealthCheck, Phase, settings

    settings.register_profile(
        CORPUS,
        parent=settings.get_profile("default"),
        max_examples=max_examples,
        derandomize=False,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate, Phase.target, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )

    # Where our classes come second, the hook of kernelfuzz.ir (kernelfuzz.hooks) does it.
    if "kernelfuzz.ir" in sys.modules:
        import kernelfuzz.from_type  # noqa: F401  # pyright: ignore[reportUnusedImport]  (registers)
