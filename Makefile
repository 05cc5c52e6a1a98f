# Two commands do everything, set-up included: `make notebooks` and `make test`. The others are parts of them.
.PHONY: help setup notebooks outputs headers ledger figures test lint clean

python := .venv/bin/python

help:
	@echo "make notebooks  run every notebook on the demo tier; copies, HTML and pictures go to build/"
	@echo "make test       ruff, unit tests, every notebook under nbval"
	@echo "make lint       ruff alone"
	@echo "make headers    write the generated part of each notebook: badges and set-up cell"
	@echo "make ledger     write the README's tables and the notebooks' minutes from benchmarks/results"
	@echo "make outputs    run the notebooks and keep their outputs in notebooks/ (nbval's reference)"
	@echo "make figures    draw the pictures of the README anew in figures/"
	@echo "make clean      remove build/ and caches; .venv stays"

setup:
	@tools/setup.sh

notebooks: setup
	$(python) tools/run_notebooks.py

outputs: headers
	$(python) tools/run_notebooks.py --in-place

ledger: setup
	$(python) tools/ledger.py

headers: setup
	$(python) tools/notebook_header.py

figures: setup
	$(python) tools/figures.py

test: setup
	tools/test.sh

lint: setup
	tools/test.sh lint

clean:
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
