#!/bin/sh
# Makes .venv, with what the named set-up needs and no more; when nothing changed, returns at once.
#
#   tools/setup.sh notebooks   the notebooks, on a simulated or a real recording: extras `notebooks` and `allen`
#   tools/setup.sh book        those, and what the book and the live twin are built with: `book`, `live`
#   tools/setup.sh test        those, and what lint, tests and benchmarks need: `test`, `distributed`, `fast`,
#                              `benchmarks`, `nwb`, `book`, `live`
#
# PYTHON           interpreter for a new .venv (default: that of the present .venv, else python3)
# TORCH_INDEX_URL  where torch comes from (default: pip's own setting); PyTorch's install page names one without CUDA
set -eu
cd "$(dirname "$0")/.."

case "${1:-}" in
    notebooks) extras=notebooks,allen done="notebooks" ;;
    book) extras=notebooks,allen,book,live done="notebooks book" ;;
    test) extras=notebooks,allen,test,distributed,fast,benchmarks,nwb,book,live done="notebooks book test" ;;
    *)
        echo "setup: '${1:-}' is no set-up; use tools/setup.sh notebooks, book or test." >&2
        exit 2
        ;;
esac
stamp=.venv/.stamp-
venv_python=.venv/bin/python

if [ -z "${PYTHON:-}" ]; then
    PYTHON=python3
    if "$venv_python" -c '' 2>/dev/null; then PYTHON=$venv_python; fi
fi
if ! version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))'); then
    echo "setup: $PYTHON is Python ${version:-(not found)}; set PYTHON to Python 3.11, 3.12 or 3.13, e.g. PYTHON=python3.12." >&2
    exit 1
fi

# The folder is part of the stamp: a virtual environment does not survive being moved or copied.
wanted="$version $PWD $(cat pyproject.toml requirements.txt tools/setup.sh | "$PYTHON" -c \
    'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')"
if [ "$(cat "$stamp$1" 2>/dev/null || true)" = "$wanted" ]; then exit 0; fi

step() { echo "setup $1: $2"; }

step 1/4 "virtual environment .venv with Python $version"
if [ "$("$venv_python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)" != "$version" ] ||
    [ "$(.venv/bin/pip --version 2>/dev/null | grep -c -F "$PWD/.venv" || true)" = 0 ]; then
    "$PYTHON" -m venv --clear .venv
fi
for name in $done; do rm -f "$stamp$name"; done

step 2/4 "torch, first and alone, so that nothing below chooses another"
"$venv_python" -m pip install torch==2.13.0 ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"}

step 3/4 "neurokit with its extras $extras"
"$venv_python" -m pip install -c requirements.txt -e ".[$extras]"

step 4/4 "allensdk without its pins, which ask for numpy 1"
"$venv_python" -m pip install --no-deps allensdk==2.16.2

for name in $done; do echo "$wanted" > "$stamp$name"; done
