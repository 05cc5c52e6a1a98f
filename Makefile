# Every command sets up what it needs: `make notebooks` the notebooks alone, `make test` the tools of the tests too.
.PHONY: help setup setup-book setup-test live book notebooks outputs headers address ledger figures test test-slow lint clean

python := .venv/bin/python

help:
	@echo "make notebooks  run every notebook on the demo source; copies, HTML and pictures go to build/"
	@echo "make test       lint, the fast unit tests, every lesson under nbval"
	@echo "make test-slow  the rest: full-size goldens, Ray, benchmarks in small, kills, the solutions; .ci/run calls both"
	@echo "                .venv/bin/pytest is the fast unit tests, .venv/bin/pytest tests/test_x.py all of one file"
	@echo "make book       the book, from the stored outputs, in build/book; with npm the live twin is in it"
	@echo "make live       the live twin's page in build/live; needs npm, and says how to open it"
	@echo "make lint       ruff, mypy, and that imports run downwards"
	@echo "make headers    write the generated part of each notebook: badges and set-up cell"
	@echo "make address    REPOSITORY=owner/name: write the public address wherever it is shown; empty: take it out"
	@echo "make ledger     write the tables of book/ and README, and the notebooks' minutes, from benchmarks/results"
	@echo "make outputs    run the notebooks and keep their outputs in notebooks/ (nbval's reference)"
	@echo "make figures    draw the pictures of README and book/ anew in figures/"
	@echo "make clean      remove build/ and caches; .venv stays"

setup:
	@tools/setup.sh notebooks

setup-book:
	@tools/setup.sh book

setup-test:
	@tools/setup.sh test

notebooks: setup
	$(python) tools/run_notebooks.py

outputs: headers
	$(python) tools/run_notebooks.py --in-place

ledger: setup
	$(python) tools/ledger.py
	$(python) tools/ledger_aims.py

headers: setup
	$(python) tools/notebook_header.py

book: setup-book
	$(python) tools/book.py

live: setup-book
	$(python) tools/live_twin.py
	@echo "now: $(python) -m http.server --directory build/live --bind 127.0.0.1 8000, then open http://127.0.0.1:8000"

address: setup
	@[ -n "$${REPOSITORY+given}" ] || { echo "give REPOSITORY=owner/name, or REPOSITORY= to take it out" >&2; exit 2; }
	$(python) tools/address.py -- "$$REPOSITORY"

figures: setup
	$(python) tools/figures.py

test: setup-test
	tools/test.sh fast

test-slow: setup-test
	tools/test.sh slow

lint: setup-test
	tools/test.sh lint

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
