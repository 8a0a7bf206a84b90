"""The reference cloud: API, payment gateways, customer pages. Of the till it knows only domain and wire."""
