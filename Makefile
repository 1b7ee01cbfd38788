# make demo   a simulated WidowX driven by the shipped policy; leaves demo/demo.mp4 and demo/demo.png
# make test   format, lint, types, tests
# Both make .venv first and install what is missing. No ROS is needed; if one is sourced, it is left alone.

PYTHON ?= python3
EPISODES ?= 6
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONPATH AMENT_PREFIX_PATH RMW_IMPLEMENTATION

PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
INDEX := .venv/share/ament_index/resource_index/packages

.PHONY: demo test format clean
demo: .venv/installed
	rm -rf demo
	ros2 launch arvla_ros widowx.launch.py sim:=true episodes:=$(EPISODES) report:=demo
	arvla report demo

test: .venv/installed-dev
	ruff format --check .
	ruff check .
	mypy
	cd roslite && mypy
	pytest -n 2

format: .venv/installed-dev
	ruff format .
	ruff check --fix .

clean:
	rm -rf .venv demo build *.egg-info roslite/build roslite/src/*.egg-info

# Editable, and the share folder and executables as links into this checkout: a change takes effect at once, as after
# `colcon build --symlink-install`. (`pip install ./roslite .` copies instead.)
.venv/installed: .venv/bin/pip pyproject.toml requirements.txt constraints.txt roslite/pyproject.toml
	$(PIP) --editable ./roslite --editable .
	mkdir -p $(INDEX)
	ln -sfn $(CURDIR)/resource/arvla_ros $(INDEX)/arvla_ros
	ln -sfn $(CURDIR) .venv/share/arvla_ros
	ln -sfn $(CURDIR)/scripts .venv/lib/arvla_ros
	touch $@

.venv/installed-dev: .venv/installed
	$(PIP) --editable '.[dev]'
	touch $@

.venv/bin/pip:
	./install_system_packages.sh $(PYTHON)
	$(PYTHON) -m venv .venv
