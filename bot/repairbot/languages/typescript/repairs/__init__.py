"""The repairs of TypeScript and JavaScript: one module an intent or a few, found by walking."""
