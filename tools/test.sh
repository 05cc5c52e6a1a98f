#!/bin/sh
# What `make test` runs after the set-up: ruff, the unit tests, then every notebook under nbval. Each part runs
# even if one before it failed; the exit status is 1 if any did. `tools/test.sh lint` stops after ruff.
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
    "$python" -m ruff check $folders
}

notebooks() {
    set -- notebooks/*.ipynb notebooks/solutions/*.ipynb
    for book; do
        shift
        if [ -f "$book" ]; then set -- "$@" "$book"; fi
    done
    if [ $# = 0 ]; then
        echo "no notebooks yet"
        return 0
    fi
    # A fresh data folder: a notebook must not live on what an older version left in the cache.
    rm -rf build/nbval
    NEUROKIT_TIER=demo NEUROKIT_DATA=$PWD/build/nbval/data NEUROKIT_BUILD=$PWD/build/nbval CI=true \
        "$python" -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=300 \
        --nbval-sanitize-with=tools/nbval_sanitize.cfg -q "$@"
}

part ruff lint
if [ "${1:-}" != lint ]; then
    part unit-tests "$python" -m pytest tests
    part notebooks notebooks
fi

if [ -n "$failed" ]; then
    echo "failed:$failed"
    exit 1
fi
