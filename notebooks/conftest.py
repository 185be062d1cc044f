"""Chapters on networks that Keras downloads skip where the weights are not cached."""

import pytest


def pytest_collection_modifyitems(items):
    waiting = [item for item in items if item.path.name == "09_real_networks.ipynb"]
    if waiting:
        from camlib import pretrained

        if not pretrained.available("MobileNetV2"):
            reason = f"MobileNetV2's weights are not in {pretrained.folder()}: run the notebook once with internet"
            for item in waiting:
                item.add_marker(pytest.mark.skip(reason=reason))
