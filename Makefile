# The table of contents of the work. `make help` prints it.

PYTHON ?= python3
export PYTHON
VENV := .venv/bin

# The tests start the product some two hundred times; each would compile it anew where bytecode is not kept.
export PYTHONDONTWRITEBYTECODE :=

# What `make lock` calls, with the Python that it is for and what is asked.
PIN = UV_CUSTOM_COMPILE_COMMAND='make lock' uv pip compile --quiet --upgrade --universal --generate-hashes \
    --no-emit-index-url --python-version

.DEFAULT_GOAL := help
.PHONY: help setup demo test seeds faults brokers rig-camera bench fuzz hostile check wheel lock sbom

help: ## print this
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## install what demo, test and bench need; quick when it is there
	@tools/setup test

demo: ## run the office on this machine until Ctrl-C; SECONDS=20 ends by itself
	@tools/setup demo
	@$(VENV)/python -m demo $(if $(SECONDS),--seconds $(SECONDS))

test: ## check everything, then run every test
	@tools/setup test
	@$(MAKE) --no-print-directory check
	$(VENV)/python -m pytest -n 3 --dist worksteal

seeds: ## draw all of what tests draw at random, where `make test` draws a few; minutes
	@tools/setup test
	TITIK_SEEDS=all $(VENV)/python -m pytest -n 3 --dist worksteal -m "hypothesis or seeds"

faults: ## break cards, links, brokers, centres and clocks on purpose, and count what was lost; minutes
	@tools/setup test
	TITIK_FAULTS=all $(VENV)/python -m pytest tests/faults -n 2 -rP --durations=10

brokers: ## let station and centre work over RabbitMQ, NATS and others, each killed with a backlog; two minutes
	@tools/setup test
	@tools/brokers

rig-camera: ## run the station on the real picamera2, and every test on the Python of a Pi, in a Debian of its own
	@tools/rig-camera

bench: ## measure reading beside other readers, an empty view, a turn of the loop, a verdict, hostile input, delivery, attacks; half an hour
	@tools/setup bench
	@$(VENV)/python -m bench reading $(if $(JSON),--json)
	@$(VENV)/python -m bench idle $(if $(JSON),--json)
	@$(VENV)/python -m bench
	@$(VENV)/python -m bench belief
	@$(VENV)/python -m bench hostile
	@$(VENV)/python -m bench delivery $(if $(JSON),--json)
	@$(VENV)/python -m bench attacks $(if $(JSON),--json)

fuzz: ## change every kind of input at random, SECONDS=30 in all; x86-64 Linux only
	@tools/fuzz $(or $(SECONDS),30)

hostile: ## hold 10,000 random symbols and 2,000 hostile pictures before the readers, by SEED=1; minutes
	@tools/setup test
	@$(VENV)/python -m fuzz show $(if $(SEED),--seed $(SEED))

check: ## lint, format and types only
	@tools/setup test
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/mypy --config-file tests/mypy.ini tests bench fuzz demo

wheel: ## build it, and install station, centre and desk from their locks as the documents say; two minutes
	@tools/setup test
	TITIK_INSTALL=all $(VENV)/python -m pytest tests/installations -n 2 -rP

lock: ## pin the newest of everything anew, and list it in sbom/; needs uv (https://docs.astral.sh/uv/)
	@command -v uv >/dev/null || { echo 'make lock needs uv. Next: pipx install uv' >&2; exit 3; }
	$(PIN) 3.11 --extra test pyproject.toml requirements/build.in --output-file requirements/dev.txt
	for set in station centre desk; do \
	    $(PIN) 3.11 --constraint requirements/dev.txt --extra $$set \
	        pyproject.toml requirements/build.in --output-file requirements/$$set.txt || exit; \
	done
	$(PIN) 3.11 --constraint requirements/dev.txt --extra station --no-emit-package numpy --no-emit-package pillow \
	    pyproject.toml requirements/build.in --output-file requirements/pi.txt
	$(PIN) 3.11 --constraint requirements/dev.txt requirements/fuzz.in --output-file requirements/fuzz.txt
	$(PIN) 3.13 --constraint requirements/dev.txt --override requirements/rig-system.in --extra station \
	    pyproject.toml requirements/build.in requirements/rig.in --output-file requirements/rig.txt
	@$(MAKE) --no-print-directory sbom

sbom: ## list what each lock installs, as CycloneDX, in sbom/
	@tools/setup test
	$(VENV)/python tools/sbom.py
