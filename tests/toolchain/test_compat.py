"""What is asked of a release of Warp by feature, and what an error is about."""

from __future__ import annotations

import pytest

from kernelfuzz.toolchain import compat
from kernelfuzz.toolchain.compat import compilers, installed


def test_a_module_of_warp_is_not_asked_for_what_its_class_lacks() -> None:
    class Module:
        def there(self) -> None: ...

        def __getattr__(self, name: str) -> object:
            raise RecursionError(name)

    assert installed.has_method(Module(), "there")
    assert not installed.has_method(Module(), "mark_modified")


def test_precompiled_headers_are_where_this_warp_has_them() -> None:
    class Newest:
        def get_clang_pch_dir(self) -> str:
            return "clang"

        def get_nvrtc_pch_dir(self) -> str:
            return "nvrtc"

    class Warp1121:
        def get_pch_dir(self) -> str:
            return ""

    assert compilers._pch_dir(Newest(), None, "out/a.o") == "clang"
    assert compilers._pch_dir(Newest(), 90, "out/a.ptx") == "nvrtc"
    assert compilers._pch_dir(Warp1121(), 90, "out/a.ptx") == "out"


def test_an_error_elsewhere_is_not_about_the_kernel_cache() -> None:
    compat.initialize()
    import warp as wp

    cache = str(wp.config.kernel_cache_dir)
    compat.check_cache(ValueError("x"))
    compat.check_cache(PermissionError(13, "Permission denied", "/etc/kernels"))
    compat.check_cache(FileNotFoundError(2, "No such file or directory", f"{cache}/x"))
    with pytest.raises(compat.UnwritableCache, match=r"cannot be written \(Permission denied\)"):
        compat.check_cache(PermissionError(13, "Permission denied", f"{cache}/x"))


@pytest.mark.parametrize("folder", ["/sys/kernelfuzz", "/elsewhere"])
def test_a_start_that_fails_leaves_the_configuration(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the next one fails for the same reason; and only the cache is called the cache."""
    loaded = installed.load_warp()

    def init() -> None:
        loaded.warp.config.kernel_cache_dir = "/sys/kernelfuzz/1.19.0"
        raise PermissionError(13, "Permission denied", folder)

    monkeypatch.setattr(loaded.context, "init", init)
    monkeypatch.setattr(loaded.warp.config, "kernel_cache_dir", None)
    with pytest.raises(PermissionError if folder == "/elsewhere" else compat.UnwritableCache):
        installed.ready_warp.__wrapped__()
    assert loaded.warp.config.kernel_cache_dir is None
