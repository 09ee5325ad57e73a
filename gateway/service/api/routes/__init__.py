"""The API's resources, one module each: `router(context)` makes its routes."""
