PYTHON ?= python3
export
.DEFAULT_GOAL := help
COMMANDS := demo test lint db odoo shell host-tests bench faults pictures readme terms stop clean help
.PHONY: $(COMMANDS)
$(COMMANDS):
	@$(PYTHON) -m dev $@
