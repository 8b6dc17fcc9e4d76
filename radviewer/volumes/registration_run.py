"""One registration, step by step, with SimpleITK."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from radviewer.progress import Progress
from radviewer.volumes.registration import Affine, NotRegistrable, Registration, Subject
from radviewer.volumes.registration_images import Pyramid
from radviewer.volumes.registration_measures import edge_correlation, information

_BINS = 32
_SEED = 20_011
_RADIUS_MM = 80.0  # a turn of 1/80 rad weighs as much as a shift of 1 mm
_LEAST_START = 0.1  # overlap of a start that is worth trying
_POINTS = 2000  # of the anatomy, at which the two directions are compared


@dataclass(frozen=True, slots=True)
class _Stage:
    """Resolution, number of samples and largest step of one stage; `search` follows values, not gradients."""

    mm: float
    samples: int
    step: float
    iterations: int
    search: bool


# Gradients bring the volumes near one another; with thick slices they end up to 1 mm beside the best value, which a
# search by values (Powell) then finds.
_COARSE = _Stage(4.0, 20_000, 2.0, 60, search=False)
_MIDDLE = _Stage(2.0, 15_000, 0.5, 3, search=True)
_FINE = _Stage(1.0, 40_000, 0.25, 2, search=True)
_FORWARD = (_COARSE, _MIDDLE, _FINE)
_BACKWARD = (_COARSE, _MIDDLE)
_STEPS = len(_FORWARD) + len(_BACKWARD) + 3

# The way back starts from elsewhere: two runs must not agree for not having moved.
_ASIDE = (math.radians(3), math.radians(-3), math.radians(2), 4.0, -3.0, 4.0)


class Run:
    """Registers two subjects, in both directions."""

    def __init__(self, fixed: Subject, moving: Subject, progress: Progress, threads: int) -> None:
        self._progress = progress
        self._threads = max(1, threads)
        self._done = 0
        self._names = (fixed.name, moving.name)
        self._fixed = Pyramid(fixed, self._threads)
        self._tell("Preparing")
        self._moving = Pyramid(moving, self._threads)
        self._tell("Preparing")

    def result(self) -> Registration:
        """Register, then measure."""
        starts = self._starts()
        start = max(starts, key=lambda matrix: self._score(self._fixed, self._moving, matrix))
        forward = self._align(self._fixed, self._moving, start, _FORWARD)
        aside = _transform(np.linalg.inv(start).astype(np.float64), self._moving.centre, _ASIDE)
        backward = self._align(self._moving, self._fixed, _matrix(aside), _BACKWARD)
        result = self._measured(forward, backward)
        self._tell("Registered")
        return result

    def _tell(self, text: str) -> None:
        self._progress.report(self._done, _STEPS, text)
        self._done += 1

    def _starts(self) -> list[Affine]:
        """Where to begin: as the files say, the grids' centres together, the anatomy's centres together."""
        fixed, moving = self._fixed, self._moving
        found = [np.eye(4)]
        for here, there in ((fixed.middle, moving.middle), (fixed.centre, moving.centre)):
            matrix = np.eye(4)
            matrix[:3, 3] = there - here
            found.append(matrix)
        near = [matrix for matrix in found if _overlap(fixed, moving, matrix) >= _LEAST_START]
        if not near:
            first, second = self._names
            raise NotRegistrable(
                f"{first} and {second} show no common part of the patient, even with their centres together. "
                "Choose series of the same body part."
            )
        return near

    def _score(self, fixed: Pyramid, moving: Pyramid, matrix: Affine) -> float:
        """Mutual information weighed by overlap, so that a sliver that fits by chance does not win."""
        method = self._method(fixed, moving, _COARSE)
        method.SetInitialTransform(_transform(matrix, fixed.centre))
        value = float(method.MetricEvaluate(fixed.image(_COARSE.mm), moving.image(_COARSE.mm)))
        return -value * _overlap(fixed, moving, matrix)

    def _align(self, fixed: Pyramid, moving: Pyramid, start: Affine, stages: tuple[_Stage, ...]) -> Affine:
        transform = _transform(start, fixed.centre)
        sizes: tuple[tuple[int, ...], ...] = ()
        for stage in stages:
            self._tell(f"Registering at {stage.mm:g} mm")
            before, sizes = sizes, (fixed.image(stage.mm).GetSize(), moving.image(stage.mm).GetSize())
            if stage is _FINE and before == sizes:
                continue  # no finer than what was done
            method = self._method(fixed, moving, stage)
            _choose_optimizer(method, stage)
            method.SetInitialTransform(transform, inPlace=True)
            method.AddCommand(SimpleITK.sitkIterationEvent, partial(self._heed, method))
            try:
                method.Execute(fixed.image(stage.mm), moving.image(stage.mm))
            except RuntimeError as error:  # ITK: all samples map outside the moving image
                raise NotRegistrable(
                    f"{self._names[0]} and {self._names[1]} were lost from one another while registering. "
                    'Bring them near with "Link the two viewports here", or choose other series.'
                ) from error
            finally:
                method.RemoveAllCommands()
            self._progress.check()
        return _matrix(transform)

    def _heed(self, method: SimpleITK.ImageRegistrationMethod) -> None:
        if self._progress.cancelled:
            method.StopRegistration()

    def _method(self, fixed: Pyramid, moving: Pyramid, stage: _Stage) -> SimpleITK.ImageRegistrationMethod:
        method = SimpleITK.ImageRegistrationMethod()
        method.SetNumberOfThreads(self._threads)
        method.SetMetricAsMattesMutualInformation(_BINS)
        method.SetInterpolator(SimpleITK.sitkLinear)
        share = stage.samples / fixed.image(stage.mm).GetNumberOfPixels()
        if share < 1:
            method.SetMetricSamplingStrategy(method.RANDOM)
            method.SetMetricSamplingPercentage(share, _SEED)
        here, there = fixed.mask(stage.mm), moving.mask(stage.mm)
        if here is not None:
            method.SetMetricFixedMask(here)
        if there is not None:
            method.SetMetricMovingMask(there)
        return method

    def _measured(self, forward: Affine, backward: Affine) -> Registration:
        fixed, moving = self._fixed, self._moving
        points = fixed.anatomy(_POINTS)
        there = points @ forward[:3, :3].T + forward[:3, 3]
        back = there @ backward[:3, :3].T + backward[:3, 3]
        here = fixed.values(_MIDDLE.mm)
        before = self._beside(np.eye(4))
        after = self._beside(forward)
        both = fixed.valid(_MIDDLE.mm) & after[1]
        return Registration(
            forward,
            float(np.linalg.norm(back - points, axis=1).mean()),
            edge_correlation(here, after[0], both, fixed.spacing(_MIDDLE.mm)),
            information(here, after[0], both),
            information(here, before[0], fixed.valid(_MIDDLE.mm) & before[1]),
            float(moving.holds(there).mean()),
        )

    def _beside(self, matrix: Affine) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Values of the moving volume on the fixed grid, and where there are any."""
        return self._moving.on(self._fixed.image(_MIDDLE.mm), _transform(matrix, self._fixed.centre), _MIDDLE.mm)


def _choose_optimizer(method: SimpleITK.ImageRegistrationMethod, stage: _Stage) -> None:
    if stage.search:
        method.SetOptimizerAsPowell(
            numberOfIterations=stage.iterations,
            maximumLineIterations=12,
            stepLength=stage.step,
            stepTolerance=0.03,
            valueTolerance=1e-4,
        )
        method.SetOptimizerScales([_RADIUS_MM] * 3 + [1.0] * 3)
    else:
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=stage.step, minStep=0.01, numberOfIterations=stage.iterations, relaxationFactor=0.6
        )
        method.SetOptimizerScales([_RADIUS_MM**2] * 3 + [1.0] * 3)


def _overlap(fixed: Pyramid, moving: Pyramid, matrix: Affine) -> float:
    points = fixed.anatomy(_POINTS)
    return float(moving.holds(points @ matrix[:3, :3].T + matrix[:3, 3]).mean())


def _transform(
    matrix: Affine, centre: NDArray[np.float64], aside: tuple[float, ...] = (0.0,) * 6
) -> SimpleITK.Euler3DTransform:
    """Rigid transform about a centre, changed by angles in rad and shifts in mm."""
    transform = SimpleITK.Euler3DTransform()
    transform.SetCenter(centre.tolist())
    transform.SetMatrix(matrix[:3, :3].ravel().tolist(), 1e-6)
    transform.SetTranslation((matrix[:3, :3] @ centre + matrix[:3, 3] - centre).tolist())
    transform.SetParameters([a + b for a, b in zip(transform.GetParameters(), aside, strict=True)])
    return transform


def _matrix(transform: SimpleITK.Euler3DTransform) -> Affine:
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    centre = np.array(transform.GetCenter())
    matrix[:3, 3] = centre + np.array(transform.GetTranslation()) - matrix[:3, :3] @ centre
    return matrix
