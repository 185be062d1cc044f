"""What needs a network that Keras downloads skips where its weights are not cached.

Chapter 9 is about such a network, so all of it skips. In other chapters single cells do, tagged ``mobilenet``;
no other cell depends on them.
"""

import pytest


def pytest_collection_modifyitems(items):
    waiting = [item for item in items if item.path.name == "09_real_networks.ipynb"
               or "mobilenet" in getattr(item, "cell", {}).get("metadata", {}).get("tags", ())]
    if waiting:
        from camlib import pretrained

        if not pretrained.available("MobileNetV2"):
            reason = f"MobileNetV2's weights are not in {pretrained.folder()}: run the notebook once with internet"
            for item in waiting:
                item.add_marker(pytest.mark.skip(reason=reason))
