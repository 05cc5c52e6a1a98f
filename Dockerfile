# Not yet built by us: no Docker engine where this was written. compose.yaml runs it, book/docker.md leads through it.
ARG PYTHON_IMAGE=python:3.12-slim
FROM ${PYTHON_IMAGE}

# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends make git && rm -rf /var/lib/apt/lists/*
# WORKDIR alone would leave a folder of root's, in which the reader could make no .venv.
RUN useradd --create-home --uid 1000 reader \
    && install --directory --owner=reader --group=reader \
        /home/reader/.cache /home/reader/.cache/neurokit /home/reader/neurokit
USER 1000
WORKDIR /home/reader/neurokit

ARG TORCH_INDEX_URL=""
COPY --chown=reader:reader . .
RUN PIP_NO_CACHE_DIR=1 tools/setup.sh notebooks

EXPOSE 8888
# JupyterLab takes its port from JUPYTER_PORT and its token from JUPYTER_TOKEN; with an empty token or none it makes a
# random one and prints it.
CMD [".venv/bin/jupyter", "lab", "--ip=0.0.0.0", "--no-browser", "--notebook-dir=notebooks", "--LabApp.default_url=/lab/tree/00_start_here.ipynb"]
