"""Films: those of a file, and windows that drift over photographs."""

import os
from numbers import Real
from pathlib import Path

import numpy as np

from .._core.arrays import is_count
from .._core.rng import as_generator
from .photographs import natural_images


def video_frames(path, *, shape=None, color=False, n_frames=None, step=1):
    """Read the frames of a film.

    Parameters
    ----------
    path : str or path-like
        File in any format that PyAV reads, such as mp4, avi, mkv, webm or gif; its first film, if it holds several.
    shape : tuple (height, width) or None, default=None
        Pixels of a frame, to which it is resized, averaged where it shrinks. One of the two may be None, to keep the
        proportions. None leaves frames as they are.
    color : bool, default=False
        Whether frames have three channels, red, green and blue, instead of luma.
    n_frames : int or None, default=None
        Frames to return at most. None returns all.
    step : int, default=1
        Every `step`-th frame is returned, from the first on.

    Returns
    -------
    ndarray of float32, shape (n_frames, height, width) or (n_frames, height, width, 3)
        From 0 to 1, without undoing their gamma.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    ImportError
        Without PyAV, of ``pip install "sparsecode[video]"``.
    ValueError
        If the file cannot be read as a film, or a parameter is out of range.

    Notes
    -----
    Pixels are taken for squares, and rotations that cameras note are not applied. A frame that its decoder cannot read,
    or calls damaged, is an error, and no frames are returned; so is one that is skipped, since those after it build on
    it. H.264, MPEG-1, 2 and 4 notice most damage; Motion JPEG, VP8, VP9 and GIF mostly do not, and their frames are
    returned as they are. A file that ends too early ends there, if its format can tell where frames are.

    Examples
    --------
    >>> from sparsecode.datasets import video_frames
    >>> video_frames("film.mp4", shape=(None, 160))
    Traceback (most recent call last):
        ...
    FileNotFoundError: `path` does not exist: 'film.mp4'. Give the path of a film.
    """
    check_frames(shape, n_frames, step)
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"`path` must be a path, got {path!r:.60}.")
    if not Path(path).exists():
        raise FileNotFoundError(f"`path` does not exist: {str(path)!r}. Give the path of a film.")
    try:
        import av
    except ImportError as error:
        raise ImportError('the package av (PyAV) is missing: pip install "sparsecode[video]".') from error
    frames = []
    try:
        with av.open(os.fspath(path)) as container:
            if not container.streams.video:
                raise ValueError("there is no film in it")
            for number, frame in enumerate(container.decode(video=0)):
                if len(frames) == n_frames:
                    break
                if frame.is_corrupt:
                    raise ValueError(f"frame {number} is damaged")
                if number % step == 0:
                    height, width = size_of(shape, frames[0].shape if frames else (frame.height, frame.width))
                    kind = "rgb24" if color else "gray"
                    frame = frame.reformat(width=width, height=height, format=kind, interpolation="AREA")
                    frames.append(frame.to_ndarray())
    except (av.FFmpegError, ValueError) as error:
        raise ValueError(
            f"`path` cannot be read as a film: {str(path)!r}, after {len(frames)} frames ({error}). Convert it to mp4."
        ) from error
    if not frames:
        raise ValueError(f"`path` cannot be read as a film: {str(path)!r} has no frames.")
    values = np.empty((len(frames), *frames[0].shape), np.float32)
    for value, frame in zip(values, frames, strict=True):
        np.divide(frame, np.float32(255), out=value)
    return values


def drifting_images(
    n_frames, shape=(64, 96), *, speed=1.0, n_objects=0, object_speed=2.0, noise=0.0, images=None, random_state=None
):
    """Make a film of a window that drifts over a photograph, before which discs of others may move.

    Window and discs move straight on at their speeds, between pixels too, and turn back at borders.

    Parameters
    ----------
    n_frames : int
    shape : tuple (height, width), default=(64, 96)
        Pixels of a frame.
    speed : float, default=1.0
        Pixels by which the window moves from frame to frame, >= 0: 0 is a camera that stands still.
    n_objects : int, default=0
        Discs, a quarter of the smaller side wide.
    object_speed : float, default=2.0
        Pixels by which they move in the window, >= 0.
    noise : float, default=0.0
        Standard deviation of noise of each pixel and frame, >= 0.
    images : list of ndarray of shape (height, width) or None, default=None
        Floats from 0 to 1, larger than frames. None is `natural_images`.
    random_state : int, RandomState, Generator or None, default=None

    Returns
    -------
    ndarray of float32, shape (n_frames, height, width)
        From 0 to 1.

    Raises
    ------
    ValueError
        If a parameter is out of range, or images are smaller than frames or no floats from 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.datasets import drifting_images
    >>> film = drifting_images(3, (32, 48), speed=0, n_objects=1, random_state=0)
    >>> film.shape, round(float((film[1] != film[0]).mean()), 3)
    ((3, 32, 48), 0.044)
    """
    check_numbers(n_frames, shape, speed, n_objects, object_speed, noise)
    rng = as_generator(random_state)
    images = [np.asarray(image) for image in (natural_images() if images is None else images)]
    height, width = shape
    small = [image.shape for image in images if image.ndim != 2 or min(np.subtract(image.shape, shape)) < 1]
    if not images or small:
        raise ValueError(f"`images` must be larger than frames of {height} x {width} pixels, got {small or images}.")
    for image in images:
        check_image(image)
    film = np.empty((n_frames, height, width), np.float32)
    background = images[rng.integers(len(images))]
    for frame, (y, x) in zip(
        film, path_of(rng, n_frames, np.subtract(background.shape, shape) - 1, speed), strict=True
    ):
        frame[:] = crop(background, y, x, shape)
    side = max(4, min(shape) // 4)
    for _ in range(n_objects):
        image = images[rng.integers(len(images))]
        origin = 1 + rng.integers(np.subtract(image.shape, side + 2))
        places = path_of(rng, n_frames, np.subtract(shape, side + 1), object_speed)
        for frame, place in zip(film, places, strict=True):
            draw_disc(frame, image, origin, place, side)
    if noise:
        film += noise * rng.standard_normal(film.shape, dtype=np.float32)
    return np.clip(film, 0, 1, out=film)


def path_of(rng, n_frames, room, speed):
    """Return places (n_frames, 2) on a straight way from anywhere in a room, which turns back at its walls."""
    room, angle = np.asarray(room, float), rng.uniform(0, 2 * np.pi)
    start = rng.uniform(0, room)
    way = start + speed * np.arange(n_frames)[:, None] * np.array([np.sin(angle), np.cos(angle)])
    there_and_back = np.mod(way, np.maximum(2 * room, 1e-9))
    return np.minimum(there_and_back, 2 * room - there_and_back)


def crop(image, y, x, shape):
    """Return a part of an image from a place between pixels on, by linear interpolation."""
    top, left = int(y), int(x)
    part = image[top : top + shape[0] + 1, left : left + shape[1] + 1]
    rows = part[:-1] + (y - top) * (part[1:] - part[:-1])
    return rows[:, :-1] + (x - left) * (rows[:, 1:] - rows[:, :-1])


def draw_disc(frame, image, origin, place, side):
    """Draw a disc of an image, which has its left upper corner at `origin`, at a place between pixels."""
    top, left = (int(number) for number in place)
    y, x = place - (top, left)
    offsets = np.arange(side + 1) - (side - 1) / 2
    distance = np.hypot.outer(offsets - y, offsets - x)
    opaque = np.clip(side / 2 - distance, 0, 1)
    part = frame[top : top + side + 1, left : left + side + 1]
    part += opaque * (crop(image, origin[0] - y, origin[1] - x, part.shape) - part)


def size_of(shape, own):
    """Return the height and width of frames."""
    height, width = shape or (None, None)
    if height is None and width is None:
        return own[:2]
    if height is None:
        return max(1, round(width * own[0] / own[1])), width
    return height, max(1, round(height * own[1] / own[0])) if width is None else width


def check_frames(shape, n_frames, step):
    """Raise if parameters of `video_frames` are out of range."""
    sides = shape if isinstance(shape, tuple | list) and len(shape) == 2 else [0]
    if shape is not None and not all(side is None or is_count(side) for side in sides):
        raise ValueError(f"`shape` must be (height, width) in pixels, one of them None to fit, or None, got {shape!r}.")
    if not (n_frames is None or is_count(n_frames)):
        raise ValueError(f"`n_frames` must be an int >= 1 or None, got {n_frames!r}.")
    if not is_count(step):
        raise ValueError(f"`step` must be an int >= 1, got {step!r}.")


def check_image(image):
    """Raise if pixels are no floats from 0 to 1."""
    if image.dtype.kind != "f" or not (image >= 0).all() or not (image <= 1).all():
        told = f"from {image.min()} to {image.max()}" if image.dtype.kind in "biuf" else "others"
        raise ValueError(
            f"`images` must be floats from 0 to 1, got {image.dtype}, {told}; divide images of 8 bits by 255."
        )


def check_numbers(n_frames, shape, speed, n_objects, object_speed, noise):
    """Raise if parameters of `drifting_images` are out of range."""
    if not (isinstance(shape, tuple | list) and len(shape) == 2 and all(is_count(side, 8) for side in shape)):
        raise ValueError(f"`shape` must be (height, width), of 8 pixels at least, got {shape!r}.")
    for name, number, least in (("n_frames", n_frames, 1), ("n_objects", n_objects, 0)):
        if not is_count(number, least):
            raise ValueError(f"`{name}` must be an int >= {least}, got {number!r}.")
    for name, number in (("speed", speed), ("object_speed", object_speed), ("noise", noise)):
        if not isinstance(number, Real) or not 0 <= number < np.inf:
            raise ValueError(f"`{name}` must be a number >= 0, got {number!r}.")
