from __future__ import annotations

import numpy as np
import torch

from radviewer.ai.networks import AnatomyNet, FindingNet
from radviewer.training.pretrained import load_imagenet, load_imagenet_head


def test_published_weights_fill_encoder_and_head() -> None:
    torch.manual_seed(0)
    fresh, network = FindingNet(1), FindingNet(1)
    load_imagenet_head(network)
    for (name, before), after in zip(fresh.state_dict().items(), network.state_dict().values(), strict=True):
        if name.startswith(("encoder.", "head.")) and before.is_floating_point():
            assert not torch.equal(before, after), name
    anatomy = AnatomyNet()
    load_imagenet(anatomy.encoder)
    torch.testing.assert_close(anatomy.encoder.state_dict(), network.encoder.state_dict())


def test_pretrained_features_are_alive_at_every_depth() -> None:
    network = FindingNet(1)
    load_imagenet_head(network)
    rows, columns = np.mgrid[:128, :128]
    image = torch.tensor(((rows // 16 + columns // 16) % 2).astype(np.float32))[None, None]
    with torch.inference_mode():
        features = network.eval().features(image)
        spreads = [float(stage.std()) for stage in network.encoder(image)]
    assert features.shape == (1, 1280, 4, 4)
    assert 0.02 < float((features > 0).float().mean()) < 0.9
    assert min(spreads) > 0.1
