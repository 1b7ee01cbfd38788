"""The arvla command."""

from __future__ import annotations

import sys

import pytest

from arvla_ros import cli


@pytest.fixture
def arvla(monkeypatch, capsys):
    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["arvla", *words])
        try:
            code = cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return run


def test_help_lists_every_command_and_needs_no_heavy_import(arvla, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    code, out, _ = arvla("--help")
    assert code == 0
    assert all(f"arvla {name}" in out for name in cli.COMMANDS)
    assert "torch" not in sys.modules


def test_an_unknown_command_is_told_the_known_ones(arvla):
    code, _, err = arvla("dance")
    assert code == 2
    assert "arvla sim record" in err


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_its_options(arvla, name):
    code, out, _ = arvla(*name.split(), "--help")
    assert code == 0
    assert f"arvla {name}" in out


def test_what_the_user_can_mend_is_one_line_and_code_1(arvla, tmp_path):
    code, _, err = arvla("report", str(tmp_path))
    assert code == 1
    assert err.startswith("arvla report: ")
    assert err.count("\n") == 1


def test_options_beside_a_config_file_win(arvla, tmp_path):
    file = tmp_path / "train.yaml"
    file.write_text(f"demonstrations: {tmp_path / 'from_file'}\n")
    assert str(tmp_path / "from_file") in arvla("train", "--config", str(file))[2]
    beside = arvla("train", "--config", str(file), "--demonstrations", str(tmp_path / "beside"))[2]
    assert str(tmp_path / "beside") in beside
    code, _, err = arvla("train", "--config", str(tmp_path / "absent.yaml"))
    assert code == 1
    assert "absent.yaml" in err
