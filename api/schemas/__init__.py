"""Shapes of requests and answers: what OpenAPI shows and what a request is held against."""
