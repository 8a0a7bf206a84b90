"""The EMVCo standard QR shown by a merchant, and a gateway for the many wallets that read it."""
