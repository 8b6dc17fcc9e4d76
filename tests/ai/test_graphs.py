from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor, nn

from radviewer.ai import engine, graph_cache, graphs
from radviewer.ai.lesion_networks import BreastNet, Judged, LesionNet, SliceNet
from radviewer.ai.networks import AnatomyNet, FindingNet, channels_last
from radviewer.ai.translation import Untranslated, outputs, translated
from radviewer.progress import Cancelled, Progress

CHANNELS = {"AnatomyNet": 1, "FindingNet": 1, "SliceNet": 3, "LesionNet": 1, "BreastNet": 1}


Net = TypeVar("Net", bound=nn.Module)


def uneven(network: Net) -> Net:
    """Give a random network the uneven batch norms of a trained one: else all it says is nearly 0."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias, std=0.2)
    channels_last(network)
    return network.eval()


@pytest.fixture(scope="module")
def networks() -> dict[str, nn.Module]:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made: tuple[nn.Module, ...] = (AnatomyNet(), FindingNet(2), SliceNet(), LesionNet(), BreastNet())
        return {type(network).__name__: uneven(network) for network in made}


@pytest.fixture(autouse=True)
def _none_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "_known", {})


@pytest.fixture
def net(networks: dict[str, nn.Module]) -> FindingNet:
    found = networks["FindingNet"]
    assert isinstance(found, FindingNet)
    return found


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The precisions of all graphs that are made anew."""
    made: list[str] = []
    compiled = engine.Graph.compiled

    def counted(model: Any, precision: engine.Precision) -> engine.Graph:
        made.append(precision)
        return compiled(model, precision)

    monkeypatch.setattr(engine.Graph, "compiled", counted)
    return made


def features(net: FindingNet) -> graphs.Forward:
    return graphs.forward(net, "features", (2, 1, 64, 96))


def again(net: FindingNet, monkeypatch: pytest.MonkeyPatch) -> graphs.Forward:
    """The function as at the next start of the program, prepared."""
    monkeypatch.setattr(graphs, "_known", {})
    found = features(net)
    graphs.prepare(Progress())
    return found


@pytest.mark.parametrize("name", CHANNELS)
def test_a_graph_says_what_the_network_says(name: str, networks: dict[str, nn.Module]) -> None:
    network, method = networks[name], "features" if name == "FindingNet" else "forward"
    function = graphs.forward(network, method, (1, CHANNELS[name], 96, 64))
    graphs.prepare(Progress())
    assert function.backend in engine.precisions()
    close = {"f32": 1e-5, "bf16": 0.05, "torch": 0.0}[function.backend]
    for count in (1, 3):
        for size in ((64, 64), (128, 96)):
            images = torch.rand(count, CHANNELS[name], *size)
            with torch.inference_mode():
                expected = outputs(getattr(network, method)(images))
            for found, wanted in zip(function(images), expected, strict=True):
                torch.testing.assert_close(found, wanted, atol=close, rtol=close)


def test_images_in_any_memory_layout(networks: dict[str, nn.Module]) -> None:
    function = graphs.forward(networks["LesionNet"], shape=(2, 1, 64, 64))
    graphs.prepare(Progress())
    image = torch.rand(64, 64)
    both = torch.stack([image, image.flip(1)])[:, None].contiguous(memory_format=torch.channels_last)
    judged = Judged(*function(both))
    assert judged.outline.shape == (2, 1, 32, 32)
    torch.testing.assert_close(judged.logit, function.reference(both)[1], atol=0.02, rtol=0.02)


def test_pytorch_answers_until_the_graph_is_there(net: FindingNet) -> None:
    function = graphs.forward(net, "features")
    graphs.prepare(Progress())
    assert function.backend == "torch"  # it is not known yet which images will come
    images = torch.rand(2, 1, 64, 64)
    first = function(images)
    graphs.prepare(Progress())
    assert function.backend != "torch"
    torch.testing.assert_close(function(images), first, atol=0.05, rtol=0.05)


def test_one_function_for_a_networks_method(net: FindingNet) -> None:
    assert graphs.forward(net, "features") is graphs.forward(net, "features")
    assert graphs.forward(net, "features") is not graphs.forward(net, "forward")


def test_a_cancelled_preparation_goes_on_later(net: FindingNet) -> None:
    function, progress = features(net), Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        graphs.prepare(progress)
    assert function.backend == "torch"
    graphs.prepare(Progress())
    assert function.backend != "torch"


def test_the_next_start_reads_the_cache(
    net: FindingNet, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = again(net, monkeypatch), again(net, monkeypatch)
    assert compilations == [first.backend]
    images = torch.rand(1, 1, 64, 64)
    torch.testing.assert_close(second(images), first(images), atol=0, rtol=0)


def test_other_weights_are_another_graph(
    net: FindingNet, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    again(net, monkeypatch)
    again(uneven(FindingNet(2)), monkeypatch)
    assert len(compilations) == 2
    assert len(list(graph_cache.folder().iterdir())) == 2


def test_a_damaged_file_is_as_good_as_none() -> None:
    graph_cache.save("a", b"whole")
    (file,) = graph_cache.folder().iterdir()
    whole = file.read_bytes()
    assert graph_cache.load("a") == b"whole"
    for damaged in (whole[:-1] + b"f", whole[:-1], b""):
        file.write_bytes(damaged)
        assert graph_cache.load("a") is None
    graph_cache.save("a", b"anew")
    assert graph_cache.load("a") == b"anew"


def test_what_is_no_graph_is_made_anew(
    net: FindingNet, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    again(net, monkeypatch)
    (file,) = graph_cache.folder().iterdir()
    graph_cache.save(file.stem, b"something else whose hash is right")
    assert again(net, monkeypatch).backend != "torch"
    assert len(compilations) == 2
    assert again(net, monkeypatch).backend != "torch"
    assert len(compilations) == 2


def test_a_graph_of_other_weights_in_the_cache_is_made_anew(
    net: FindingNet, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    again(uneven(FindingNet(2)), monkeypatch)
    (other,) = graph_cache.folder().iterdir()
    data = graph_cache.load(other.stem)
    assert data is not None
    other.unlink()
    again(net, monkeypatch)
    (own,) = graph_cache.folder().iterdir()
    graph_cache.save(own.stem, data)
    function, images = again(net, monkeypatch), torch.rand(1, 1, 64, 64)
    assert len(compilations) == 3
    torch.testing.assert_close(function(images), function.reference(images), atol=0.05, rtol=0.05)


def test_a_graph_that_differs_is_refused_for_good(
    net: FindingNet, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphs, "TOLERANCE", 0.0)
    assert again(net, monkeypatch).backend == "torch"
    count = len(compilations)
    assert count == len(engine.precisions())
    assert again(net, monkeypatch).backend == "torch"
    assert len(compilations) == count


def test_half_precision_where_the_processor_has_it_and_single_where_it_differs(
    net: FindingNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[engine.Precision] = []
    made = graphs.Forward._agreeing

    def differing(self: graphs.Forward, precision: engine.Precision, *rest: Any) -> engine.Graph | None:
        asked.append(precision)
        return made(self, precision, *rest) if precision == "f32" else None

    monkeypatch.setattr(graphs, "precisions", lambda: ("bf16", "f32"))
    monkeypatch.setattr(graphs.Forward, "_agreeing", differing)
    assert again(net, monkeypatch).backend == "f32"
    assert asked == ["bf16", "f32"]


def test_without_openvino_pytorch_goes_on(net: FindingNet, monkeypatch: pytest.MonkeyPatch) -> None:
    for told in (engine.openvino, engine._core, engine.precisions, engine.identity):
        told.cache_clear()
    monkeypatch.setitem(sys.modules, "openvino", None)
    function, images = features(net), torch.rand(1, 1, 64, 64)
    graphs.prepare(Progress())
    assert function.backend == "torch"
    torch.testing.assert_close(function(images), function.reference(images))


def test_where_nothing_can_be_written_graphs_are_made_each_time(
    net: FindingNet, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph_cache.folder().parent.mkdir(parents=True)
    graph_cache.folder().write_text("in the way")
    assert again(net, monkeypatch).backend != "torch"
    assert again(net, monkeypatch).backend != "torch"
    assert len(compilations) == 2


def test_a_graph_that_fails_gives_way_to_pytorch(net: FindingNet, monkeypatch: pytest.MonkeyPatch) -> None:
    function, images = again(net, monkeypatch), torch.rand(1, 1, 64, 64)

    def fail(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(engine.Graph, "__call__", fail)
    torch.testing.assert_close(function(images), function.reference(images))
    assert function.backend == "torch"


def test_no_more_threads_than_pytorch_may_use(net: FindingNet, monkeypatch: pytest.MonkeyPatch) -> None:
    function = again(net, monkeypatch)
    assert function._graph is not None
    assert function._graph.threads == torch.get_num_threads() == 1
    assert function._graph._compiled.get_property("INFERENCE_NUM_THREADS") == 1
    images = torch.rand(2, 1, 192, 192)
    function(images)
    began, spent = time.perf_counter(), time.process_time()
    for _ in range(5):
        function(images)
    assert time.process_time() - spent < 1.3 * (time.perf_counter() - began)


def test_a_graph_for_more_threads_than_now_allowed_is_not_used(
    net: FindingNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    function, images = again(net, monkeypatch), torch.rand(1, 1, 64, 64)
    assert function._graph is not None
    function._graph.threads = 2
    monkeypatch.setattr(engine.Graph, "__call__", lambda *_: pytest.fail("the graph ran"))
    function(images)
    assert function.backend != "torch"  # it may be again


def test_several_threads_at_once(net: FindingNet, monkeypatch: pytest.MonkeyPatch) -> None:
    function = again(net, monkeypatch)
    images = [torch.rand(1 + i % 2, 1, 64 + 32 * (i % 3), 64) for i in range(6)]
    expected = [function.reference(image)[0] for image in images]
    found: dict[int, Tensor] = {}

    def work(i: int) -> None:
        for _ in range(5):
            (found[i],) = function(images[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, wanted in enumerate(expected):
        torch.testing.assert_close(found[i], wanted, atol=0.05, rtol=0.05)


def test_networks_run_undisturbed_while_another_is_written_down(net: FindingNet) -> None:
    images, stop = torch.rand(1, 1, 64, 64), threading.Event()
    expected = net.features(images)
    wrong: list[Tensor] = []

    def work() -> None:
        while not stop.is_set():
            with torch.inference_mode():
                found = net.features(images)
            if not torch.allclose(found, expected, atol=1e-5):
                wrong.append(found)

    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(3):
        translated(net.features, 1)
    stop.set()
    thread.join()
    assert not wrong


def test_what_the_table_does_not_know_is_refused() -> None:
    with pytest.raises(Untranslated, match="softmax"):
        translated(lambda images: images.softmax(1), 1)
    with pytest.raises(Untranslated):
        translated(lambda images: images[:, :, 1:], 1)


def test_the_longest_unused_graphs_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_cache, "LARGEST", 400)
    for i, key in enumerate("abc"):
        graph_cache.save(key, bytes(100))
        os.utime(graph_cache.folder() / f"{key}.graph", (i, i))
    assert graph_cache.load("a") == bytes(100)  # used again
    graph_cache.save("d", bytes(100))
    assert {path.stem for path in graph_cache.folder().iterdir()} == {"a", "c", "d"}
    graph_cache.save("e", bytes(1000))
    assert [path.stem for path in graph_cache.folder().iterdir()] == ["e"]


def test_abandoned_parts_are_removed() -> None:
    graph_cache.save("a", b"1")
    for name, age in (("old.part", 7200), ("new.part", 0)):
        (graph_cache.folder() / name).write_bytes(b"")
        os.utime(graph_cache.folder() / name, (time.time() - age,) * 2)
    graph_cache.save("b", b"2")
    assert {path.name for path in graph_cache.folder().iterdir()} == {"a.graph", "b.graph", "new.part"}


PROGRAM = """
import json, socket, sys
calls = []
def refused(*arguments, **_):
    calls.append(repr(arguments))
    raise OSError("no network")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refused
import torch
from radviewer.ai import graphs
from radviewer.ai.networks import FindingNet
from radviewer.progress import Progress
function = graphs.forward(FindingNet(1).eval(), "features", (1, 1, 64, 64))
before = "openvino" in sys.modules
graphs.prepare(Progress())
import openvino.tools.ovc.convert_impl, time
time.sleep(0.5)  # a report would be sent by a thread
names = [name for name in sys.modules if name.startswith("openvino_telemetry.")]
print(json.dumps([before, function.backend, calls, names]))
"""


def test_nobody_is_told_and_nothing_is_written_into_the_home(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "RADVIEWER_HOME": str(tmp_path / "radviewer")}
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=60).stdout
    before, backend, calls, names = json.loads(printed)
    assert not before  # nothing of it is imported before it is needed
    assert backend != "torch"
    assert calls == []
    assert names == []
    assert [path.name for path in tmp_path.iterdir()] == ["radviewer"]
