# `make run` starts everything here; PORT=8001 make run does so on another port.
.PHONY: help run test check bench

help:
	@echo 'make run | test | check | bench'

run:
	@scripts/venv.sh
	@exec .venv/bin/python callboard/tied.py $$PPID .venv/bin/python -m callboard up

test:
	@scripts/venv.sh dev
	@scripts/test.sh

check:
	@scripts/venv.sh dev
	@scripts/check.sh

bench:
	@scripts/venv.sh dev
	@.venv/bin/python -m bench
