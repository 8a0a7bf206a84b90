"""The demo shop: an invented brand with stores, people, goods, stock and members."""
