"""The layer MONEY: till, cloud and providers in every order, and where every fen is at the end."""
