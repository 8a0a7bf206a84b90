"""The customer's pages in a real Chromium with a phone's viewport."""
