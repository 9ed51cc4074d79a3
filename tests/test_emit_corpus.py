"""Kernels of every category are what they should be.

With ``--hypothesis-profile=corpus`` this is the suite that a balanced corpus comes of: as many examples of
each category.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernelfuzz.strategies import kernels
from kernelfuzz.strategies.features import features
from kernelfuzz.strategies.vocabulary import CATEGORIES
from kernelfuzz.syntax.parse import parse
from kernelfuzz.toolchain import Lowering, lower_devices
from kernelfuzz.typecheck.verify import verify

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)

FEW = settings(max_examples=2, deadline=None, suppress_health_check=SLOW)

# The profile knows better how many.
EXAMPLES = settings() if settings.get_current_profile_name().startswith("corpus") else FEW


@pytest.mark.parametrize("category", CATEGORIES)
@EXAMPLES
@given(data=st.data())
def test_kernels_of_a_category(category: str, data: st.DataObject) -> None:
    kernel = data.draw(kernels(categories=[category]))
    verify(kernel)
    assert CATEGORIES[category].holds(features(kernel))
    assert str(parse(str(kernel))) == str(kernel)
    assert str(parse(str(kernel))) == str(kernel)
    for device, code in lower_devices(str(kernel)).items():
        assert isinstance(code, Lowering), code
        (generated,) = code.kernels
        assert generated.mangled_name in generated.forward, device
        assert generated.backward
