# type: ignore  Warp's annotations are values
import warp as wp


@wp.func_native("""
    // a remark
    const char* text = "// not a comment";
    return text[0] == '/' ? x : -x; /* gone
    as well */
""")
def nudged(x: float) -> float: ...


@wp.func
def cubed(x: float):
    return x * x * x


@wp.func_grad(cubed)
def adj_cubed(x: float, ret: float):
    wp.adjoint[x] += 3.0 * x * x * ret


@wp.kernel
def native(a: wp.array(dtype=float)):
    i = wp.tid()
    a[i] = nudged(a[i]) + cubed(a[i])
