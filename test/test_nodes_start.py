"""The way into every node executable."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from arvla_ros.nodes.start import NEEDS, start
from arvla_ros.paths import share_directory


def test_every_executable_is_a_node_that_can_be_started():
    folder = Path(__file__).resolve().parents[1] / "scripts"
    scripts = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    started = {re.search(r'start\("(\w+)"\)', text).group(1) for name, text in scripts.items() if name != "arvla"}
    assert started == set(NEEDS) == set(scripts) - {"arvla"}


@pytest.mark.parametrize("name", NEEDS)
def test_a_missing_module_is_named_with_the_remedy(name, monkeypatch, capsys):
    monkeypatch.setitem(NEEDS, name, ("no_such_module_at_all",))
    assert start(name) == 1
    assert capsys.readouterr().err.startswith(f"{name}: missing Python modules no_such_module_at_all; run `pip install")


def test_what_a_node_needs_is_asked_for():
    names = {"PIL": "pillow"}
    wanted = (share_directory() / "requirements.txt").read_text().lower()
    for module in {module for modules in NEEDS.values() for module in modules}:
        assert importlib.util.find_spec(module) is not None
        assert names.get(module, module) in wanted
