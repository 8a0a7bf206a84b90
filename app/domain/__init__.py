"""Pure values and rules of the shop. Imports nothing but itself and `app.errors`."""
