# PORT=8001 make run starts it on another port; make test ARGS='-k up' tests a part.
.PHONY: help run test chaos check bench bench-long picture

help:
	@echo 'make run | test | chaos | check | bench | bench-long | picture'

run:
	@scripts/venv.sh
	@exec .venv/bin/python callboard/processes/tied.py $$PPID .venv/bin/python -m callboard up

test:
	@scripts/venv.sh dev
	@scripts/test.sh $(ARGS)

chaos:
	@scripts/venv.sh dev
	@CHAOS=long scripts/test.sh tests/chaos $(ARGS)

check:
	@scripts/venv.sh dev
	@scripts/check.sh

bench:
	@scripts/venv.sh dev
	@.venv/bin/python -m bench

bench-long:
	@scripts/venv.sh dev
	@.venv/bin/python -m bench --long

picture:
	@scripts/venv.sh dev
	@scripts/picture.sh
