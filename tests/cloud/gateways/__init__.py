"""Payment providers: signing cores against published records, gateways against one contract."""
