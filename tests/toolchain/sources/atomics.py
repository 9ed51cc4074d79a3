# type: ignore  Warp's annotations are values
import warp as wp


@wp.kernel
def atomics(a: wp.array(dtype=float), counts: wp.array(dtype=int), limits: wp.array2d(dtype=float)):
    i = wp.tid()
    wp.atomic_add(counts, i % 2, 1)
    wp.atomic_max(limits, 0, 1, a[i])
    wp.atomic_sub(a, 0, a[i] * 0.5)
    counts[i] += 2
