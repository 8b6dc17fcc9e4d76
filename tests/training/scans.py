"""Made-up data sets laid out like the real ones: brain MR slices, breast ultrasound."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tests.ai.series import ellipsoid, head, speckled

SLICES = 6
_SHAPE = (SLICES, 64, 56)


def tumour() -> np.ndarray:
    """On the slices 2 and 3 of 6."""
    return ellipsoid(_SHAPE, (3.0, 26.0, 20.0), (1.2, 9.0, 8.0))


def write_brains(data: Path, patients: int = 3) -> None:
    """``data/brain-mr``: series of six slices, two of them with tumour; the lines are shuffled."""
    folder = data / "brain-mr"
    (folder / "masks").mkdir(parents=True)
    lines = []
    for number in range(patients):
        name = f"P{number}"
        (folder / "images" / name).mkdir(parents=True)
        values = head(_SHAPE, seed=number)
        values = np.where((values > 650) | tumour(), 420, values)  # neither a bright scalp nor the phantom's tumour
        values[tumour()] += 350
        for i, plane in enumerate(values):
            image, mask = f"images/{name}/{i}.png", f"masks/{name}-{i}.png"
            cv2.imwrite(str(folder / image), np.clip(plane / 4, 0, 255).astype(np.uint8))
            drawn = tumour()[i]
            if drawn.any():
                cv2.imwrite(str(folder / mask), drawn.astype(np.uint8) * 255)
            lines.append(f"{image},{name},{i},{'AB'[number % 2]},{mask if drawn.any() else ''},{drawn.sum()}")
    shuffled = [lines[i] for i in np.random.default_rng(0).permutation(len(lines))]
    header = "image,patient,slice,site,tumour_mask,tumour_pixels"
    (folder / "index.csv").write_text("\n".join([header, *shuffled]) + "\n")


def lesion(shape: tuple[int, int], malignant: bool) -> np.ndarray:
    """Malignant ones are taller than wide, benign ones smaller and wider."""
    rows, columns = (np.arange(n)[:, None] / n if i == 0 else np.arange(n) / n for i, n in enumerate(shape))
    height, width = (0.26, 0.14) if malignant else (0.1, 0.14)
    inside: np.ndarray = ((rows - 0.5) / height) ** 2 + ((columns - 0.75) / width) ** 2 <= 1
    return inside


def write_breasts(data: Path, images: int = 6) -> None:
    """``data/breast-ultrasound``: every second image malignant, two per fold, a flat border around each."""
    folder = data / "breast-ultrasound"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    lines = ["image,patient,label,fold,lesion_mask,device,birads,histology"]
    for i in range(images):
        shape = (150 + 4 * i, 220)
        drawn = lesion(shape, malignant=i % 2 == 1)
        image = np.where(drawn, speckled(shape, i, lesion=False) // 6, speckled(shape, i, lesion=False))
        image = np.clip(image, 1, 255)
        border = ((10, 0), (20, 5))
        cv2.imwrite(str(folder / "images" / f"{i}.png"), np.pad(image, border).astype(np.uint8))
        cv2.imwrite(str(folder / "masks" / f"{i}.png"), np.pad(drawn.astype(np.uint8) * 255, border))
        label = "malignant" if i % 2 else "benign"
        lines.append(f"images/{i}.png,{i},{label},{1 + i // 2 % 5},masks/{i}.png,{'XY'[i % 2]},{3 + i % 3},cyst")
    (folder / "index.csv").write_text("\n".join(lines) + "\n")
