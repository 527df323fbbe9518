"""What the API answers, as pydantic models; each carries an example that OpenAPI shows and a test checks."""
