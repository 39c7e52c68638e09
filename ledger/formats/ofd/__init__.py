"""Reading OFD invoices: archive, invoice inside, national signature over its files (docs/FORMATS.md)."""
