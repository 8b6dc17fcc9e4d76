"""``python -m radviewer.training RECIPE --data FOLDER --work FOLDER``: one command per recipe."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from radviewer import paths
from radviewer.errors import RadviewerError


def _anatomy(options: argparse.Namespace) -> None:
    from radviewer.training import anatomy, anatomy_films

    films = anatomy_films.load_films(options.data, options.work / "cache")
    for phase in anatomy_films.PHASES:
        for fold in options.folds or range(anatomy_films.FOLDS):
            anatomy.train_fold(films, fold, options.work / "anatomy", phase)


def _findings(options: argparse.Namespace) -> None:
    from radviewer.training import findings, findings_films

    recipe = findings_films.RECIPES[options.recipe]
    recipe = replace(recipe, epochs=options.epochs or recipe.epochs, steps=options.steps or recipe.steps)
    films = findings_films.load(recipe, options.data, options.work / "cache", options.models)
    for fold in options.folds or range(findings_films.FOLDS):
        findings.train_fold(films, recipe, options.arm, fold, options.work, options.start)


def _release_anatomy(options: argparse.Namespace) -> None:
    from radviewer.training import anatomy_films, release_anatomy

    films = anatomy_films.load_films(options.data, options.work / "cache")
    command = "python -m radviewer.training anatomy --data DATA --work WORK"
    release_anatomy.release(films, options.data, options.work, options.models / release_anatomy.NAME, command)


def _release_findings(options: argparse.Namespace) -> None:
    from radviewer.training import findings_films, release_findings, texts

    recipe, about = findings_films.FINER, texts.FINDINGS
    target = options.models / release_findings.NAME
    if options.read_again or not (target / release_findings.READ).is_file():
        command = "python -m radviewer.training findings (then finer) --data DATA --work WORK"
        release_findings.release(recipe, options.work, options.data, target, about, command, options.threads)
    else:
        release_findings.finish(target, about)


def _glioma(options: argparse.Namespace) -> None:
    from radviewer.training import brains, glioma

    found = brains.load(options.data, options.work / "cache")
    for fold in options.folds or range(brains.FOLDS):
        for phase in (brains.FIRST, brains.SECOND):
            glioma.train(found, str(fold), options.work / "glioma", phase)


def _glioma_sites(options: argparse.Namespace) -> None:
    from radviewer.training import brains, glioma

    found = brains.load(options.data, options.work / "cache")
    for site in sorted({s.site for s in found.series}):
        for phase in (brains.ALONE, brains.ALONE_ON):
            glioma.train(found, site, options.work / "glioma", phase)


def _release_glioma(options: argparse.Namespace) -> None:
    from radviewer.training import brains, release_glioma

    target = options.models / release_glioma.NAME
    if options.read_again or not (target / release_glioma.SERIES).is_file():
        found = brains.load(options.data, options.work / "cache")
        command = "python -m radviewer.training glioma --data DATA --work WORK"
        release_glioma.release(found, options.work, target, command)
    else:
        release_glioma.finish(target)


def _breast(options: argparse.Namespace) -> None:
    from radviewer.training import breast, breasts

    found = breasts.load(options.data)
    for fold in options.folds or range(breasts.FOLDS):
        for phase in (breasts.FIRST, breasts.SECOND, breasts.WHOLE):
            breast.train_fold(found, fold, options.work / "breast", phase)


def _release_breast(options: argparse.Namespace) -> None:
    from radviewer.training import breasts, release_breast
    from radviewer.training.breast_tables import DESCRIPTORS
    from radviewer.training.finish_breast import finish

    target = options.models / release_breast.NAME
    if options.read_again or not (target / DESCRIPTORS).is_file():
        command = "python -m radviewer.training breast --data DATA --work WORK"
        release_breast.release(breasts.load(options.data), options.work, target, command)
    else:
        finish(target)


def _compare_arms(options: argparse.Namespace) -> None:
    from radviewer.training import arms, release_findings

    arms.compare(options.data, options.work, options.models, options.models / release_findings.NAME)


def _measure(options: argparse.Namespace) -> None:
    from radviewer.ai.catalogue import Catalogue
    from radviewer.training import measure

    measure.measure(Catalogue(options.models), options.data)


def _measure_glioma(options: argparse.Namespace) -> None:
    from radviewer.ai.catalogue import Catalogue
    from radviewer.training import measure

    measure.write_glioma(Catalogue(options.models), options.data)


def _measure_breast(options: argparse.Namespace) -> None:
    from radviewer.ai.catalogue import Catalogue
    from radviewer.training import measure

    measure.write_breast(Catalogue(options.models), options.data)


def _measure_sites(options: argparse.Namespace) -> None:
    from radviewer.ai.catalogue import Catalogue
    from radviewer.training import measure

    measure.write_sites(Catalogue(options.models), options.data, options.work)


def _readme(options: argparse.Namespace) -> None:
    from radviewer.ai.cards import CARD
    from radviewer.training import readme

    for card in sorted(options.models.glob(f"*/{CARD}")):
        readme.write_readme(card.parent)


_RECIPES = {
    "anatomy": _anatomy,
    "findings": _findings,
    "finer": _findings,
    "tuberculosis": _findings,
    "pneumonia": _findings,
    "glioma": _glioma,
    "glioma-sites": _glioma_sites,
    "breast": _breast,
    "release-glioma": _release_glioma,
    "release-breast": _release_breast,
    "release-anatomy": _release_anatomy,
    "release-findings": _release_findings,
    "compare-arms": _compare_arms,
    "measure": _measure,
    "measure-glioma": _measure_glioma,
    "measure-breast": _measure_breast,
    "measure-sites": _measure_sites,
    "readme": _readme,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m radviewer.training", description=__doc__)
    parser.add_argument("recipe", choices=sorted(_RECIPES))
    parser.add_argument("--data", type=Path, default=Path(), help="folder with one sub-folder per data set")
    parser.add_argument("--work", type=Path, default=Path(), help="folder for caches, checkpoints and logs")
    parser.add_argument("--folds", type=int, nargs="*", help="only these folds")
    parser.add_argument("--epochs", type=int, help="another number of epochs than the recipe's")
    parser.add_argument("--steps", type=int, help="another number of steps per epoch than the recipe's")
    parser.add_argument("--models", type=Path, default=paths.models(), help="folder of models: read and written")
    parser.add_argument("--arm", choices=("scratch", "imagenet", "twice"), default="imagenet")
    parser.add_argument("--start", type=Path, help="checkpoint to start from instead of the recipe's weights")
    parser.add_argument("--read-again", action="store_true", help="release: read all films, not only fit again")
    parser.add_argument("--threads", type=int, default=2)
    return parser


def _prepare_torch(threads: int) -> None:
    """Threads that sleep while they wait: on a shared machine spinning ones cost a factor of four."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    import torch  # after the environment is set: OpenMP reads it once

    from radviewer.allocator import keep_memory

    torch.set_num_threads(threads)
    keep_memory()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a recipe; continue where an earlier run stopped."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    _prepare_torch(options.threads)
    try:
        _RECIPES[options.recipe](options)
    except RadviewerError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
