"""A search for the place where a function vanishes, which takes few evaluations."""

import math

#: Share of the bracket that is cut off at least: near one of its ends interpolation may creep.
LEAST_SHARE = 0.1

#: Width of a bracket in which nothing is left to find.
NARROW = 1e-9


def find_zero(error_at, place, stride, *, least=-math.inf, most=math.inf, below=None, n_tries=60):
    """Return where a falling function is nearest to zero, by interpolation between places that enclose it.

    Parameters
    ----------
    error_at : callable
        The function; it returns 0 where it is near enough.
    place : float
        The first one to try.
    stride : float
        First step from there, if one side only is known; it doubles each time.
    least, most : float
        Bounds of the search.
    below : (float, float) or None, default=None
        A place above the zero, and the error there, which is negative.
    n_tries : int, default=60

    Returns
    -------
    place : float or None
        None if the zero lies beyond a bound.
    error : float
    """
    above, nearest, found = None, math.inf, place
    for _ in range(n_tries):
        error = error_at(place)
        if abs(error) < nearest:
            nearest, found = abs(error), place
        if error == 0:
            break
        if error > 0:
            above = place, error
        else:
            below = place, error
        if above is None or below is None:
            place, stride = place + math.copysign(stride, error), 2 * stride
            if not least <= place <= most:
                return None, error
        elif below[0] - above[0] < NARROW:
            break
        else:
            share = above[1] / (above[1] - below[1])
            place = above[0] + min(max(share, LEAST_SHARE), 1 - LEAST_SHARE) * (below[0] - above[0])
    return found, nearest
