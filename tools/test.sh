#!/bin/sh
# The parts of the tests, after `tools/setup.sh test`. Each part runs even if one before it failed; the exit status
# is 1 if any did.
#
#   tools/test.sh lint   ruff, mypy and import-linter
#   tools/test.sh fast   `make test`: lint, the fast unit tests, every lesson under nbval
#   tools/test.sh slow   `make test-slow`: the tests that are marked slow (tests/conftest.py says which), the solutions
#
# Two workers, each on one thread. All tests of a file, and all cells of a notebook, run in one worker in their order.
# Ray starts two workers of its own, and gives them a fixed time to start in, so its tests run alone.
set -u
cd "$(dirname "$0")/.."
python=.venv/bin/python
failed=""

part() {
    name=$1 && shift
    echo "== $name"
    start=$(date +%s)
    "$@" || failed="$failed $name"
    echo "== $name: $(($(date +%s) - start)) s"
}

lint() {
    folders=""
    for folder in neurokit tests tools benchmarks notebooks; do
        if [ -d "$folder" ]; then folders="$folders $folder"; fi
    done
    # shellcheck disable=SC2086
    "$python" -m ruff check $folders && "$python" -m ruff format --check --quiet neurokit tests tools benchmarks &&
        "$python" -m mypy neurokit && imports
}

imports() { # import-linter: pyproject.toml says which package stands on which
    .venv/bin/lint-imports --no-logo
}

two_workers() {
    OMP_NUM_THREADS=1 "$python" -m pytest --numprocesses=2 --dist=loadfile "$@"
}

notebooks() { # those of a folder, the last first: they take longest, and one that starts late ends late
    folder=$1 && shift
    for book in "$folder"/*.ipynb; do
        if [ -f "$book" ]; then set -- "$book" "$@"; fi
    done
    if [ $# = 0 ]; then
        echo "no notebooks yet"
        return 0
    fi
    # A fresh data folder: a notebook must not live on what an older version left in the cache.
    rm -rf build/nbval
    # The times are those of a machine that others keep busy, not of a cell that is slow.
    NEUROKIT_SOURCE=demo NEUROKIT_DATA=$PWD/build/nbval/data NEUROKIT_BUILD=$PWD/build/nbval CI=true \
        two_workers --no-loadscope-reorder --nbval-lax --nbval-current-env --nbval-cell-timeout=1800 \
        --nbval-kernel-startup-timeout=600 --nbval-sanitize-with=tools/nbval_sanitize.cfg "$@"
}

case "${1:-}" in
    lint) part lint lint ;;
    fast)
        part lint lint
        part unit-tests two_workers tests -m "not slow"
        part notebooks notebooks notebooks
        ;;
    slow)
        part slow-tests two_workers tests -m "slow and not distributed"
        part solutions notebooks notebooks/solutions
        part ray-tests "$python" -m pytest tests -m distributed
        ;;
    *)
        echo "test: '${1:-}' is no set of tests; use tools/test.sh lint, fast or slow." >&2
        exit 2
        ;;
esac

if [ -n "$failed" ]; then
    echo "failed:$failed"
    exit 1
fi
