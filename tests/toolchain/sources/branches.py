# type: ignore  Warp's annotations are values
import warp as wp


@wp.kernel
def branches(a: wp.array(dtype=float), flags: wp.array(dtype=wp.bool), n: int):
    i, j = wp.tid()
    if i >= n or j > 3:
        return
    x = a[i]
    if flags[i] and not x > 2.0:
        x = -x
    elif x == 0.0:
        x = wp.where(flags[j], 1.0, 2.0)
    else:
        x = x + 1.0 if x < 5.0 else x - 1.0
    a[i] = x
