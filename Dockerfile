# Not yet built by us: no Docker where this was written. compose.yaml runs it and holds the port and the token.
FROM python:3.12-slim

RUN apt-get update && apt-get install --yes --no-install-recommends make git && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home reader && mkdir -p /home/reader/.cache/neurokit && chown -R reader /home/reader
USER reader
WORKDIR /home/reader/neurokit

ARG TORCH_INDEX_URL=""
COPY --chown=reader . .
RUN tools/setup.sh notebooks

EXPOSE 8888
# JupyterLab takes its token from JUPYTER_TOKEN; without one it makes a random one and prints it.
CMD [".venv/bin/jupyter", "lab", "--ip=0.0.0.0", "--port=8888", "--no-browser", "--notebook-dir=notebooks"]
