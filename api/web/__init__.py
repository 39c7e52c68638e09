"""The public page: anybody who holds an invoice can check it, without JavaScript."""
