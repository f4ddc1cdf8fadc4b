"""What this library costs from version to version; see ../../README.md."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
