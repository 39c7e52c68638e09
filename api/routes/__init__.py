"""The routes of /v1, by subject. An endpoint reads its fields, asks the service once, and renders; no rules here."""
