# make demo   a simulated WidowX driven by the shipped policy; leaves demo/demo.mp4 and demo/demo.png
# make test   format, lint, types, tests
# Both make .venv first and install what is missing. No ROS is needed; if one is sourced, it is left alone.

PYTHON ?= python3
EPISODES ?= 6
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONPATH AMENT_PREFIX_PATH RMW_IMPLEMENTATION

PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PACKAGED := setup.py pyproject.toml requirements.txt constraints.txt package.xml \
            $(wildcard scripts/* launch/* config/* config/*/* checkpoints/*/* msg/* srv/*)
ROSLITE := $(shell find roslite -name '*.py' -o -name '*.toml' -o -name '*.msg' -o -name '*.srv')

.PHONY: demo test format clean
demo: .venv/installed
	rm -rf demo
	ros2 launch arvla_ros widowx.launch.py sim:=true episodes:=$(EPISODES) report:=demo
	arvla report demo

test: .venv/installed-dev
	ruff format --check .
	ruff check .
	mypy
	mypy roslite/src
	pytest -n 2

format: .venv/installed-dev
	ruff format .
	ruff check --fix .

clean:
	rm -rf .venv demo build *.egg-info roslite/build roslite/src/*.egg-info

.venv/installed: .venv/bin/pip $(PACKAGED) $(ROSLITE)
	$(PIP) ./roslite --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(PIP) --editable '.[dev]'
	touch $@

.venv/bin/pip:
	./install_system_packages.sh $(PYTHON)
	$(PYTHON) -m venv .venv
