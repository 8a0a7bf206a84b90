"""What travels between till and cloud, and what is hashed or signed. Shared by both sides."""
