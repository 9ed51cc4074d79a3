"""Changes of a kernel that must not matter: transformations for tests, and workarounds of known bugs.

Each is one row, of ``transformations.TRANSFORMATIONS`` or of ``workarounds.WORKAROUNDS``.
"""
