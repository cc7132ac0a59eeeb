# elliptio: each target sets up what it needs, in this folder (.venv*), and is instant the second time.
# Needs make, git and Python 3.11 or newer. Uses uv if it is there, pip if not.
#
#   make PYTHON=/path/to/python3.12 test        another interpreter
#   make test ARGS="-k upload -x"               arguments for pytest (also: check, quick)

PYTHON ?=
ARGS ?=
VERSIONS := 3.11 3.12 3.13

.DEFAULT_GOAL := help
.PHONY: help demo check quick test test-all recipes torture bench lint news clean
.DELETE_ON_ERROR:
# Without PYTHONDONTWRITEBYTECODE: hundreds of tests start an interpreter, each of which would compile all it imports.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: .venv-demo/.ready  ## run the demo: a small story on real data, in seconds
	.venv-demo/bin/elliptio demo

check: .venv/.ready  ## the answer after an edit, in a minute: lint, shape, and the quick tests of the rooms that were edited
	@$(MAKE) --no-print-directory -j 2 lint quick ARGS="--edited=upstream $(ARGS)"

quick: .venv/.ready  ## run all tests that need no server and take under half a second
	@$(in_memory); in_memory 2; .venv/bin/python -m pytest -q -m "not server and not slow" --durations=10 --durations-min=0.5 $(ARGS)

test: .venv/.ready  ## run the whole test suite
	@$(in_memory); in_memory 12; .venv/bin/python -m pytest $(ARGS)

test-all: $(VERSIONS:%=test-%)  ## run it on each supported Python (3.11, 3.12, 3.13)

find-%:
	@$(find_python); find_python $*; echo "$$python"

test-%: .venv-%/.ready
	@$(in_memory); in_memory 12; .venv-$*/bin/python -m pytest $(ARGS)

recipes: .venv-recipes/.ready  ## run those of docs/recipes.md too that need torch, Lightning, transformers and Keras: 5 GB
	.venv-recipes/bin/python -m pytest -n0 tests/docs/test_recipes.py $(ARGS)

torture: .venv/.ready  ## run the long versions of the reliability tests: hundreds of kills, thousands of saves
	ELLIPTIO_TORTURE=1 .venv/bin/python -m pytest tests/reliability tests/pipelines/builds/test_together.py -s --timeout 3600 $(ARGS)

lint: .venv/.ready  ## check style, types and layers
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy --strict elliptio
	.venv/bin/lint-imports

news: .venv/.ready  ## show what was changed since the last entry of CHANGELOG.md
	.venv/bin/towncrier build --draft --version Unreleased

bench: .venv/.ready  ## time every job against its floors and its peers: minutes (ARGS=--quick: two, without peers)
	.venv/bin/python -m benchmarks $(ARGS)

clean:  ## remove the environments and caches
	rm -rf .venv .venv-* .bench .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist

# --- environments --------------------------------------------------------------------------------------------------------

.venv/.ready: pyproject.toml
	@$(find_python); find_python; \
	$(make_venv); make_venv .venv -e '.[all]' --group dev
	@touch $@

.venv-demo/.ready: pyproject.toml
	@$(find_python); find_python; \
	$(make_venv); make_venv .venv-demo -e '.[pipelines]'
	@touch $@

.venv-recipes/.ready: pyproject.toml
	@$(find_python); find_python; \
	$(make_venv); make_venv .venv-recipes -e '.[all]' --group test --group recipes
	@touch $@

$(VERSIONS:%=.venv-%/.ready): .venv-%/.ready: pyproject.toml
	@$(find_python); find_python $*; \
	$(make_venv); make_venv .venv-$* -e '.[all]' --group test
	@touch $@

.PRECIOUS: $(VERSIONS:%=.venv-%/.ready)

# find_python [X.Y]: sets `python` to an interpreter that runs and is 3.11 or newer (or exactly X.Y): first from PATH, then
# from pyenv's versions, then what uv knows of. Nothing is downloaded. A name on PATH may be a stub that does not run.
define find_python
find_python() { \
	python=; wanted=$$1; \
	names="python3.13 python3.12 python3.11 python3 python python3.15 python3.14"; \
	[ -z "$$wanted" ] || names="python$$wanted python3 python"; \
	pyenv_versions="$${PYENV_ROOT:-$${HOME:-/nonexistent}/.pyenv}/versions"; \
	for candidate in $(if $(PYTHON),"$(PYTHON)",$$names "$$pyenv_versions"/$${wanted:-3}*/bin/python); do \
		if suits "$$candidate"; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ] && [ -z "$(PYTHON)" ] && command -v uv >/dev/null 2>&1; then \
		candidate=$$(uv python find --no-python-downloads "$${wanted:->=3.11}" 2>/dev/null) && suits "$$candidate" && python=$$candidate; \
	fi; \
	if [ -z "$$python" ]; then \
		echo "make: no Python $${wanted:-3.11 or newer} found$(if $(PYTHON), at $(PYTHON))." >&2; \
		echo "Looked at PATH (python3 there: $$(python3 --version 2>&1 | head -n 1)), pyenv's versions and uv." >&2; \
		echo "Install it (e.g. apt install python3 python3-venv, pyenv install, uv python install)," >&2; \
		echo "or name one: make PYTHON=/path/to/python ..." >&2; \
		exit 1; \
	fi; \
}; \
suits() { "$$1" -c 'import sys; v = sys.version_info[:2]; \
sys.exit(not (v >= (3, 11) and sys.argv[1] in ("", "%d.%d" % v)))' "$$wanted" >/dev/null 2>&1; }
endef

# in_memory GIB: lets the folders of tests lie in memory where there is so much room, and removes them in the end. Most of
# what tests wait for is a disk that flushes. What only a disk shows is left to `make torture` and `make bench`.
define in_memory
in_memory() { \
	room=$$(df --output=avail -B 1073741824 /dev/shm 2>/dev/null | tail -n 1); \
	[ "$${room:-0}" -ge "$$1" ] && [ -w /dev/shm ] || return 0; \
	folder=$$(mktemp -d /dev/shm/elliptio-tests.XXXXXX) || return 0; \
	chmod 755 "$$folder"; \
	trap 'chmod -R u+w "$$folder"; rm -rf "$$folder"' EXIT; \
	export TMPDIR="$$folder"; \
}
endef

# make_venv FOLDER ARGUMENT...: an environment in FOLDER with what pip or uv installs for these arguments.
define make_venv
with_uv() { \
	command -v uv >/dev/null 2>&1 || return 1; \
	venv=$$1; shift; \
	uv venv --quiet --clear --no-python-downloads --python "$$python" "$$venv" && \
	uv pip install --quiet --compile-bytecode --python "$$venv/bin/python" "$$@" && return 0; \
	echo "make: uv did not manage; trying pip." >&2; return 1; \
}; \
with_pip() { \
	venv=$$1; shift; \
	"$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "make: $$python cannot make virtual environments: its venv module is not complete." >&2; \
		echo "On Debian and Ubuntu: apt install python3-venv. Or install uv." >&2; return 1; }; \
	"$$python" -m venv --clear "$$venv" && \
	"$$venv/bin/python" -m pip install --quiet --upgrade 'pip>=25.1' && \
	"$$venv/bin/python" -m pip install --quiet "$$@"; \
}; \
make_venv() { \
	echo "Setting up $$1 with $$("$$python" --version) ..."; \
	[ -w "$${HOME:-/nonexistent}" ] || export UV_NO_CACHE=1 PIP_NO_CACHE_DIR=1; \
	with_uv "$$@" || with_pip "$$@"; \
}
endef
