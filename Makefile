# The front door. Every target sets itself up first; `make help` prints them.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/ready
GRADES := grades
NOTEBOOKS := $(wildcard notebooks/*.ipynb)

.DEFAULT_GOAL := help
.PHONY: help book pdf bundle links test assignments grade gradebook backends lab notebooks residuals network architectures \
	benchmark weigh lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: $(READY) ## build the site: open _build/html/index.html
	$(BIN)/jupyter-book build -W -n --keep-going .

pdf: book ## print the whole course into one PDF: _build/course.pdf (needs Chromium)
	$(BIN)/python -m book.pdf _build/html _build/course.pdf

bundle: pdf ## the site and the PDF in one zip, to read offline: _build/course.zip
	$(BIN)/python -m book.bundle _build/html _build/course.zip --pdf _build/course.pdf

links: $(READY) ## check every link to the outside (needs the internet)
	$(BIN)/jupyter-book build --builder linkcheck .

test: $(READY) ## everything that must pass: laws, notebooks re-run and compared, pages
	$(BIN)/python -m pytest -n 2 --dist loadscope --nbval --nbval-current-env tests notebooks

assignments: $(READY) ## make the students' versions: _build/assignments (STUDENTS=file: other numbers for each)
	$(BIN)/python -m assignments.release --grades $(GRADES) $(if $(STUDENTS),--students $(STUDENTS))

grade: $(READY) ## grade SUBMISSIONS=folder: marks, feedback and gradebook in GRADES=grades (see the teacher's guide)
	@test -n "$(SUBMISSIONS)" || { echo "Which submissions? make grade SUBMISSIONS=folder, with a folder for each student in it" >&2; exit 1; }
	$(BIN)/python -m assignments.grade "$(SUBMISSIONS)" --grades $(GRADES) $(if $(VARIANTS),--variants) \
		$(if $(filter none,$(ISOLATION)),--without-isolation)

gradebook: $(READY) ## open the gradebook in a browser: read the free texts, give their points, comment
	cd $(GRADES) && $(CURDIR)/$(BIN)/jupyter lab --LabApp.default_url=/formgrader

backends: $(READY) ## add JAX and PyTorch, so that the tests run on all three backends of Keras
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable ".[jax,torch]"

lab: $(READY) ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

notebooks: $(READY) ## run the notebooks again and store their outputs
	$(BIN)/jupyter nbconvert --to notebook --execute --ExecutePreprocessor.record_timing=False --inplace $(NOTEBOOKS)
	$(BIN)/jupyter nbconvert --to notebook --inplace --CoalesceStreamsPreprocessor.enabled=True $(NOTEBOOKS)

residuals: $(READY) ## measure how exactly each equation holds (minutes; with MobileNetV2's weights at hand) for the equation index
	$(BIN)/python -m pytest -q -p tests.residuals --residuals book/residuals.json -m equation tests

network: $(READY) ## train the course network and the tagged one of chapter 12 again (minutes) and store their weights
	$(BIN)/python -m camlib.course_network
	$(BIN)/python -m camlib.debugging

architectures: $(READY) ## try camlib on every network of Keras again (20 minutes) and write the page
	$(BIN)/python -m tests.architectures book/architectures.md

benchmark: benchmarks/.venv/ready ## compare speed, memory and maps with other libraries (a quarter of an hour)
	benchmarks/.venv/bin/python -m benchmarks.run

weigh: book ## measure weight and paint time of every page (needs Chromium)
	$(BIN)/python -m benchmarks.site _build/html

lock: $(READY) ## compile requirements.txt from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --group book --group assignments --group test --group dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-emit-find-links --quiet --upgrade --output-file requirements.txt

clean: ## remove the environment and everything built
	rm -rf .venv _build .pytest_cache benchmarks/.venv

# `ready` is written last and holds the folder it was made for: a set-up that was interrupted
# or moved starts over, a finished one is skipped.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

# The peers need an environment of their own: PyTorch, and libraries whose own dependencies are too old.
benchmarks/.venv/ready: benchmarks/requirements.txt benchmarks/peers.txt
	@test -n "$(PYTHON)" || { echo "The benchmark needs Python 3.11, 3.12 or 3.13: make PYTHON=/path/to/python3.12 benchmark" >&2; exit 1; }
	rm -rf benchmarks/.venv
	"$(PYTHON)" -m venv benchmarks/.venv
	benchmarks/.venv/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	benchmarks/.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r benchmarks/peers.txt
	@touch $@

# uv comes out of the same locked, hashed file as everything else.
$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "This course needs Python 3.11, 3.12 or 3.13; none was found. Install one, or run: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "$(PYTHON) is not Python 3.11 to 3.13 with the modules venv and ensurepip (on Debian: install python3-venv)." >&2; exit 1; }
	rm -rf .venv
	"$(PYTHON)" -m venv .venv
	awk '/^[^ #]/ {keep = /^uv==/} keep' requirements.txt > .venv/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@echo "$(CURDIR)" > $(READY)
