#!/usr/bin/env bash
# Pin what the worker needs: torch and what its builds with CUDA bring along in a lock of their own, all else in another.
set -euo pipefail
cd "$(dirname "$0")/../.."
options=(--generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header --quiet)
.venv/bin/uv pip compile requirements-worker.in "${options[@]}" --output-file requirements-worker-torch.lock
cuda=$(grep -oE '^(torch|triton|cuda-[a-z]+|nvidia-[a-z0-9-]+)==' requirements-worker-torch.lock | tr -d '=' | sort -u)
.venv/bin/uv pip compile requirements-worker.in "${options[@]}" --output-file requirements-worker.lock \
	$(for name in $cuda; do echo "--no-emit-package $name"; done)
echo 'torch==2.13.0' | .venv/bin/uv pip compile - "${options[@]}" --constraint requirements-worker.lock \
	--output-file requirements-worker-torch.lock
