# type: ignore  Warp's annotations are values
import warp as wp


@wp.kernel
def loops(a: wp.array(dtype=float), n: int):
    i = wp.tid()
    total = float(0.0)  # noqa: UP018  Warp makes a variable of it
    for j in range(3):
        total += a[i + j]
    for j in range(n):
        if a[j] < 0.0:
            continue
        total = total * 0.5 + a[j]
        if total > 100.0:
            break
    steps = int(0)  # noqa: UP018, RUF046
    while steps < 4:
        steps += 1
        total -= float(steps)
    a[i] = total
